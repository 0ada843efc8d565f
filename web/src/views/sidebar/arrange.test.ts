import { expect, test } from "vitest";
import type { ConversationSummary } from "../../store/selectors";
import { arrange } from "./arrange";

const of = (id: string, unread = 0) => ({ id, place: `r:${id}`, unread }) as ConversationSummary;
const NONE = { favourites: new Set<string>(), unread: new Set<string>(), closed: new Set<string>() };
const shown = (...given: Parameters<typeof arrange>) => arrange(...given).map(({ id }) => id);

test("favourites come first, each part in the order of activity", () => {
  const lists = { ...NONE, favourites: new Set(["c", "b"]) };
  expect(shown([of("a"), of("b"), of("c")], lists, false, null)).toEqual(["b", "c", "a"]);
});

test("only what is unread, or marked so, or open, when that is asked for", () => {
  const lists = { ...NONE, unread: new Set(["b"]) };
  expect(shown([of("a", 2), of("b"), of("c"), of("d")], lists, true, "r:d")).toEqual(["a", "b", "d"]);
});

test("a closed chat comes back with the next message", () => {
  const lists = { ...NONE, closed: new Set(["a"]) };
  expect(shown([of("a"), of("b")], lists, false, null)).toEqual(["b"]);
  expect(shown([of("a", 1), of("b")], lists, false, null)).toEqual(["a", "b"]);
});
