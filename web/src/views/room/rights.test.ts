import { expect, test } from "vitest";
import type { Role, RoomSettings } from "../../protocol/events";
import { mayAdd, mayChange, mayGiveRoles, mayRemove, membersLike } from "./rights";

const open: RoomSettings = { adding: "members", posting: "members", history: "everything" };
const as = (role: Role | null, settings: RoomSettings | null = open, inside = true) => ({
  inside,
  role,
  settings,
});

test("admins and the owner change the room, and the owner alone gives roles", () => {
  expect(["member", "admin", "owner"].map((role) => mayChange(as(role as Role)))).toEqual([false, true, true]);
  expect(["member", "admin", "owner"].map((role) => mayGiveRoles(as(role as Role)))).toEqual([false, false, true]);
});

test("everybody adds members unless that is for admins", () => {
  const closed = { ...open, adding: "admins" as const };
  expect(mayAdd(as("member"))).toBe(true);
  expect(mayAdd(as("member", closed))).toBe(false);
  expect(mayAdd(as("admin", closed))).toBe(true);
});

test("admins remove members, the owner removes anybody", () => {
  expect(mayRemove(as("member"), "member")).toBe(false);
  expect(mayRemove(as("admin"), "member")).toBe(true);
  expect(mayRemove(as("admin"), "admin")).toBe(false);
  expect(mayRemove(as("admin"), "owner")).toBe(false);
  expect(mayRemove(as("owner"), "admin")).toBe(true);
});

test("nothing is offered to who has left, or before it is known what one is", () => {
  for (const room of [as("owner", open, false), as(null, null)]) {
    expect([mayChange(room), mayAdd(room), mayGiveRoles(room), mayRemove(room, "member")]).toEqual([false, false, false, false]);
  }
});

test("members stand by role and name, those without a known name at the end", () => {
  const members = new Map<string, Role>([
    ["1", "member"],
    ["2", "member"],
    ["3", "admin"],
    ["4", "owner"],
    ["5", "member"],
  ]);
  const users = new Map(
    [
      { user_id: "1", username: "zoe", display_name: "Anna" },
      { user_id: "3", username: "carol" },
      { user_id: "4", username: "ada" },
      { user_id: "5", username: "bob" },
    ].map((user) => [user.user_id, user]),
  );
  const order = (text: string) => membersLike(members, users, text).map(({ userId }) => userId);
  expect(order("")).toEqual(["4", "3", "1", "5", "2"]);
  expect(order("ZO")).toEqual(["1"]);
  expect(order(" an ")).toEqual(["1"]);
});
