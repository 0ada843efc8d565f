import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  emojiClosedAt,
  lengthNearLimit,
  toggled,
  toggledCode,
  tokenAt,
  trimmed,
  type Edit,
} from "./editing";

const at = (text: string) => {
  const caret = text.indexOf("|");
  return tokenAt(text.replace("|", ""), caret);
};

describe("what is being typed", () => {
  test("a mention begins with @, at the beginning or behind what is no letter", () => {
    expect(at("@|")).toEqual({ kind: "mention", query: "", from: 0, to: 1 });
    expect(at("hello (@ad|a)")).toEqual({ kind: "mention", query: "ad", from: 7, to: 10 });
    expect(at("@åsa.b-c|")?.query).toBe("åsa.b-c");
    expect(at("ada@example|")).toBeNull();
    expect(at("@@ad|")).toBeNull();
    expect(at("@ad |")).toBeNull();
    expect(at("请@ad|")?.query).toBe("ad");
    expect(at("_@ad|")?.query).toBe("ad");
  });

  test("an emoji begins with : and two letters, and times of day are none", () => {
    expect(at("so :sm|")).toEqual({ kind: "emoji", query: "sm", from: 3, to: 6 });
    expect(at(":s|")).toBeNull();
    expect(at("10:30|")).toBeNull();
    expect(at("https://x|")).toBeNull();
  });

  test("a closing colon names an emoji", () => {
    expect(emojiClosedAt("so :tada:", 9)).toBe("tada");
    expect(emojiClosedAt("10:30:", 6)).toBeNull();
    expect(emojiClosedAt("so :tada: now", 9)).toBe("tada");
    expect(emojiClosedAt("so :tada", 8)).toBeNull();
  });
});

function done(text: string, edit: Edit): string {
  const now = text.slice(0, edit.from) + edit.insert + text.slice(edit.to);
  return `${now.slice(0, edit.start)}[${now.slice(edit.start, edit.end)}]${now.slice(edit.end)}`;
}

describe("marks", () => {
  test("they go around the selection without its spaces, which stays selected", () => {
    expect(done("a word b", toggled("a word b", 1, 7, "**"))).toBe("a **[word]** b");
    expect(done("ab", toggled("ab", 1, 1, "_"))).toBe("a_[]_b");
  });

  test("they go away where they are, inside the selection or around it", () => {
    expect(done("a **word** b", toggled("a **word** b", 4, 8, "**"))).toBe("a [word] b");
    expect(done("a **word** b", toggled("a **word** b", 2, 10, "**"))).toBe("a [word] b");
  });

  test("twice is as before", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", " ", "\n") }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom("**", "_", "`"),
        (text, one, two, mark) => {
          const [start, end] = [one, two].map((each) => each % (text.length + 1)).toSorted((a, b) => a - b) as [number, number];
          const first = toggled(text, start, end, mark);
          const marked = text.slice(0, first.from) + first.insert + text.slice(first.to);
          const second = toggled(marked, first.start, first.end, mark);
          expect(marked.slice(0, second.from) + second.insert + marked.slice(second.to)).toBe(text);
        },
      ),
    );
  });

  test("lines of code get a fence on lines of its own", () => {
    expect(done("x\na\nb", toggledCode("x\na\nb", 2, 5))).toBe("x\n```\n[a\nb]\n```");
    expect(done("see a\nb!", toggledCode("see a\nb!", 4, 7))).toBe("see \n```\n[a\nb]\n```\n!");
    expect(done("one", toggledCode("one", 0, 3))).toBe("`[one]`");
  });
});

test("characters count as the server counts them, and only near the limit", () => {
  expect(lengthNearLimit("a".repeat(7_499))).toBeNull();
  expect(lengthNearLimit("a".repeat(8_001))).toBe(8_001);
  expect(lengthNearLimit("😀".repeat(7_499))).toBeNull();
  expect(lengthNearLimit("😀".repeat(8_000))).toBe(8_000);
});

test("what is sent keeps its first indent, and loses empty lines before and space behind", () => {
  expect(trimmed("\n  \n    code\n\nmore \n\n")).toBe("    code\n\nmore");
  expect(trimmed(" \n ")).toBe("");
});
