import { beforeAll, expect, test } from "vitest";
import { findEmoji, loadEmoji, namedEmoji, type Emoji } from "./emoji";

let all: readonly Emoji[];
beforeAll(async () => {
  all = await loadEmoji();
});

test("every emoji has a text, a label and a name, and no name is given twice", () => {
  expect(all.length).toBeGreaterThan(1_800);
  expect(all.filter(({ text, label, names }) => !text || !label || !names[0])).toEqual([]);
  const names = all.flatMap((emoji) => emoji.names);
  expect(new Set(names).size).toBe(names.length);
});

test("a whole name comes before names that begin so, and these before words about it", () => {
  const found = findEmoji(all, "heart", 50).map(({ text }) => text);
  expect(found[0]).toBe("❤️");
  const position = (name: string) => found.indexOf(namedEmoji(all, name)?.text ?? "");
  expect(position("heart_eyes")).toBeGreaterThan(0);
  expect(position("green_heart")).toBeGreaterThan(position("heart_eyes"));
});

test("tags find it, capitals and spaces do not matter, and nothing finds nothing", () => {
  expect(findEmoji(all, " PARTY ", 20).some(({ text }) => text === "🎉")).toBe(true);
  expect(findEmoji(all, " ", 20)).toEqual([]);
  expect(findEmoji(all, "zzzzz", 20)).toEqual([]);
  expect(findEmoji(all, "a", 7)).toHaveLength(7);
});

test("only a whole name names one", () => {
  expect(namedEmoji(all, "tada")?.text).toBe("🎉");
  expect(namedEmoji(all, "+1")?.text).toBe("👍");
  expect(namedEmoji(all, "tad")).toBeNull();
});
