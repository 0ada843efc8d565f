import { expect, test } from "vitest";
import type { RoomSettings } from "../../protocol/events";
import { refusalOf } from "./refusal";

const settings: RoomSettings = { adding: "members", posting: "admins", history: "everything" };
const peer = { userId: "01other", name: "Ada", isBlocked: false, isDeleted: false };

test("where admins write, members change what they wrote, and admins write", () => {
  const room = { inside: true, settings, role: "member" as const };
  expect(refusalOf(room, null)).toMatchObject({ mayEdit: true });
  expect(refusalOf({ ...room, role: "admin" }, null)).toBeNull();
  expect(refusalOf({ ...room, role: "owner" }, null)).toBeNull();
  expect(refusalOf({ ...room, settings: { ...settings, posting: "members" } }, null)).toBeNull();
});

test("what is not known yet refuses nothing", () => {
  expect(refusalOf(null, null)).toBeNull();
  expect(refusalOf({ inside: true, settings: null, role: null }, null)).toBeNull();
  expect(refusalOf({ inside: true, settings, role: null }, null)).toBeNull();
});

test("who has left writes nothing, and changes nothing", () => {
  expect(refusalOf({ inside: false, settings: null, role: null }, null)).toMatchObject({
    mayEdit: false,
  });
});

test("whom one has blocked is not written to, and can be unblocked from there", () => {
  expect(refusalOf(null, peer)).toBeNull();
  expect(refusalOf(null, { ...peer, isBlocked: true })).toMatchObject({ blocked: "01other" });
  expect(refusalOf(null, { ...peer, isDeleted: true, isBlocked: true })).toMatchObject({
    blocked: null,
  });
});
