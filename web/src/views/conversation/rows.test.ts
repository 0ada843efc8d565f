import { expect, test } from "vitest";
import type { MessageEvent, RoomChange } from "../../protocol/events";
import { Conversation } from "../../store/conversation";
import { messageOf } from "../../store/message";
import type { TimelineItem } from "../../store/selectors";
import { base, message, OTHER, ROOM, SELF } from "../../testing/entries";
import { deliveryOf } from "./delivery";
import { noticeText } from "./notices";
import { listNames } from "./people";
import { RowMaker } from "./rows";

const MINUTE = 60_000;
const NOON = new Date(2026, 0, 1, 12).getTime();

function item(seq: number, minutes: number, fields: Partial<MessageEvent> = {}): TimelineItem {
  const created_at = new Date(NOON + minutes * MINUTE).toISOString();
  const shown = messageOf({ ...message(seq), created_at, ...fields });
  return { kind: "message", key: `m${seq}`, message: shown };
}

const heads = (items: TimelineItem[]) =>
  new RowMaker(SELF).make(items, null, true).map(({ isHead }) => isHead);

test("messages of one author belong together for some minutes", () => {
  expect(heads([item(1, 0), item(2, 4), item(3, 10), item(4, 11, { sender_id: SELF })])).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("an answer, and what follows a notice, say again who wrote it", () => {
  const notice: RoomChange = { ...base(3), type: "member_added", user_id: "01new" };
  const items: TimelineItem[] = [
    item(1, 0),
    item(2, 1, { reply_to: `${ROOM}-000000000001` }),
    { kind: "notice", key: "n", notice },
    item(4, 2),
  ];
  const shown = heads(items);
  expect([shown[1], shown[3]]).toEqual([true, true]);
});

test("a day is told where it begins, unless that is not known yet", () => {
  const items = [item(1, 0), item(2, 1), item(3, 24 * 60)];
  const days = (isBeginning: boolean) =>
    new RowMaker(SELF).make(items, null, isBeginning).map(({ day }) => day !== null);
  expect(days(true)).toEqual([true, false, true]);
  expect(days(false)).toEqual([false, false, true]);
});

test("the line stands once, before the first new message of somebody else", () => {
  const items = [item(1, 0), item(2, 1, { sender_id: SELF }), item(3, 2), item(4, 3)];
  const line = (after: number | null) =>
    new RowMaker(SELF).make(items, after, true).findIndex(({ isFirstNew }) => isFirstNew);
  expect([line(1), line(3), line(4), line(null)]).toEqual([2, 3, -1, -1]);
});

test("rows that show the same stay the same objects when older ones come before them", () => {
  const maker = new RowMaker(SELF);
  const [old, first, second] = [item(1, 0), item(2, 10), item(3, 11)];
  const before = maker.make([first, second], null, false);
  const after = maker.make([old, first, second], null, true);
  expect(after[1]).toBe(before[0]);
  expect(after[2]).toBe(before[1]);
});

test("readers and receivers are told apart, without the author and those who have left", () => {
  const conversation = new Conversation(ROOM, SELF);
  conversation.members = new Map([[SELF, "owner"], [OTHER, "member"], ["01b", "member"]]);
  conversation.raise([
    { user_id: SELF, read_index: 5, delivered_index: 5 },
    { user_id: OTHER, read_index: 5, delivered_index: 5 },
    { user_id: "01b", read_index: 4, delivered_index: 5 },
    { user_id: "01gone", read_index: 5, delivered_index: 5 },
  ]);
  expect(deliveryOf(conversation, 5, SELF)).toEqual({ readers: [OTHER], receivers: ["01b"] });
  expect(deliveryOf(conversation, 6, SELF)).toEqual({ readers: [], receivers: [] });
});

test("people and notices are put into words", () => {
  expect(listNames([], 0)).toBe("");
  expect(listNames(["Ann"], 1)).toBe("Ann");
  expect(listNames(["Ann", "Bob", "You"], 3)).toBe("Ann, Bob and You");
  expect(listNames(["Ann", "Bob"], 3)).toBe("Ann, Bob and 1 other");
  const role: RoomChange = { ...base(1), type: "role_changed", user_id: SELF, role: "admin" };
  expect(noticeText(role, "Ann", "You")).toBe("Ann made you an admin");
});
