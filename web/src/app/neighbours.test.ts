import { expect, test } from "vitest";
import type { ConversationSummary } from "../store/selectors";
import { neighbourOf } from "./neighbours";

const at = (id: string, unread = 0) => ({ id, place: `r:${id}`, unread }) as ConversationSummary;
const LIST = [at("a"), at("b", 3), at("c"), at("d", 1)];
const isUnread = ({ unread }: ConversationSummary) => unread > 0;

test("one moves along the list and stops at its ends", () => {
  expect(neighbourOf(LIST, "r:a", 1)).toBe("r:b");
  expect(neighbourOf(LIST, "r:b", -1)).toBe("r:a");
  expect(neighbourOf(LIST, "r:a", -1)).toBeNull();
  expect(neighbourOf(LIST, "r:d", 1)).toBeNull();
});

test("from nowhere one comes to an end of the list", () => {
  expect(neighbourOf(LIST, null, 1)).toBe("r:a");
  expect(neighbourOf(LIST, "u:somebody", -1)).toBe("r:d");
  expect(neighbourOf([], null, 1)).toBeNull();
});

test("what is not wanted is passed over", () => {
  expect(neighbourOf(LIST, "r:b", 1, isUnread)).toBe("r:d");
  expect(neighbourOf(LIST, "r:b", -1, isUnread)).toBeNull();
});
