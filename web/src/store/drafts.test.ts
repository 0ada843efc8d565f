import { expect, test } from "vitest";
import { MemoryStorage } from "../testing/memory_storage";
import { Drafts } from "./drafts";

test("who watches a draft is told of its changes, and of no others", () => {
  const drafts = new Drafts(new MemoryStorage(), "01self");
  const told: string[] = [];
  const stop = drafts.watch("r:01room", () => told.push(drafts.get("r:01room")));
  drafts.set("r:01room", "Soup");
  drafts.set("u:01other", "Tea");
  drafts.set("r:01room", "");
  stop();
  drafts.set("r:01room", "Bread");
  expect(told).toEqual(["Soup", ""]);
});
