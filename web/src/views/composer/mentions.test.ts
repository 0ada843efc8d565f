import { expect, test } from "vitest";
import type { UserSummary } from "../../session/api";
import { rankedUsers } from "./mentions";

const users = new Map(
  (
    [
      { user_id: "1", username: "zoe", display_name: "Ada Zoe" },
      { user_id: "2", username: "Adam" },
      { user_id: "3", username: "ada" },
      { user_id: "4", username: "adele", deleted: true },
      { user_id: "5", username: "adrian" },
      { user_id: "6", username: "bob", display_name: "Bob of Canada" },
    ] satisfies UserSummary[]
  ).map((user) => [user.user_id, user]),
);
const found = (query: string, ids = ["1", "2", "3", "4", "6", "9"], limit = 8) =>
  rankedUsers(users, new Set(ids), query, limit).map(({ username }) => username);

test("usernames come before shown names, in order, and only members are found", () => {
  expect(found("ad")).toEqual(["ada", "Adam", "zoe"]);
  expect(found("AD", ["5", "1"])).toEqual(["adrian", "zoe"]);
});

test("nothing typed yet offers all, up to the limit", () => {
  expect(found("")).toEqual(["ada", "Adam", "bob", "zoe"]);
  expect(found("", undefined, 2)).toEqual(["ada", "Adam"]);
});
