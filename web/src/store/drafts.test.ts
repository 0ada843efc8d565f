import { expect, test } from "vitest";
import { MemoryStorage } from "../testing/memory_storage";
import { Drafts } from "./drafts";

const ROOM = "r:01room";

/** The drafts of one tab; a reload keeps `own`. */
function tabs() {
  const shared = new MemoryStorage();
  return { shared, open: (own = new MemoryStorage()) => new Drafts(shared, own, "01self") };
}

test("who watches a draft is told of its changes, and of no others", () => {
  const drafts = tabs().open();
  const told: string[] = [];
  const stop = drafts.watch(ROOM, () => told.push(drafts.get(ROOM)));
  drafts.set(ROOM, "Soup");
  drafts.set("u:01other", "Tea");
  drafts.set(ROOM, "");
  stop();
  drafts.set(ROOM, "Bread");
  expect(told).toEqual(["Soup", ""]);
});

test("each tab keeps its own text, over a reload, too", () => {
  const { open } = tabs();
  const storage = new MemoryStorage();
  const one = open(storage);
  const two = open();
  one.set(ROOM, "Soup");
  two.set(ROOM, "Tea");
  expect([one.get(ROOM), two.get(ROOM)]).toEqual(["Soup", "Tea"]);
  expect(open(storage).get(ROOM)).toBe("Soup");
});

test("a new tab begins with what was written last", () => {
  const { open } = tabs();
  const one = open();
  const two = open();
  two.set(ROOM, "Tea");
  one.set(ROOM, "Soup");
  expect(open().get(ROOM)).toBe("Soup");
});

test("what one tab sends is not taken from another, nor offered again", () => {
  const { open } = tabs();
  const one = open();
  const two = open();
  one.set(ROOM, "Soup");
  two.set(ROOM, "Tea");
  one.set(ROOM, "");
  expect([one.get(ROOM), two.get(ROOM), open().get(ROOM)]).toEqual(["", "Tea", "Tea"]);
  two.set(ROOM, "");
  expect(open().get(ROOM)).toBe("");
});

test("a draft that was taken over from a closed tab and sent is gone", () => {
  const { open } = tabs();
  open().set(ROOM, "Soup");
  const two = open();
  expect(two.get(ROOM)).toBe("Soup");
  two.set(ROOM, "");
  expect(open().get(ROOM)).toBe("");
});

test("a logout in another tab clears this one, an expired session does not", () => {
  const { open } = tabs();
  const one = open();
  const two = open();
  one.set(ROOM, "Soup");
  two.set("u:01other", "Tea");
  expect(two.size).toBe(2);
  one.clearIfOthersDid();
  expect(one.get(ROOM)).toBe("Soup");
  two.clear();
  one.clearIfOthersDid();
  expect(one.get(ROOM)).toBe("");
  expect(one.size).toBe(0);
});
