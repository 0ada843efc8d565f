import { describe, expect, test } from "vitest";
import type { Entry } from "../protocol/events";
import { base, head, message, OTHER, ROOM, SELF } from "../testing/entries";
import { Store } from "./store";
import { detailsOf, TimelineSelector } from "./selectors";

const ready = (seq: number) => ({
  type: "ready" as const,
  user_id: SELF,
  session_id: "01session",
  conversations: [head(seq)],
});

function opened(seq = 0): Store {
  const store = new Store(SELF);
  store.open(ready(seq), [ROOM], []);
  return store;
}

const reaction = (seq: number, of: number, emoji = "👍"): Entry => ({
  ...base(seq),
  type: "reaction_added",
  message_index: of,
  message_id: base(of).id,
  emoji,
});

const edit = (seq: number, of: number, text: string): Entry => ({
  ...base(seq),
  type: "message_edited",
  message_index: of,
  message_id: base(of).id,
  message: text,
});

describe("messages", () => {
  test("entries that change a message change the one that is held", () => {
    const store = opened();
    for (const entry of [message(1), reaction(2, 1), reaction(3, 1), edit(4, 1, "new")]) {
      store.apply(entry);
    }
    const held = store.conversation(ROOM).at(1);
    expect(held?.message).toBe("new");
    expect(held?.reactions).toEqual([{ emoji: "👍", user_ids: [OTHER] }]);
  });

  test("a page does not replace what is held", () => {
    const store = opened();
    store.apply(message(1));
    store.apply(edit(2, 1, "new"));
    store.conversation(ROOM).hold([message(1)]);
    expect(store.conversation(ROOM).at(1)?.message).toBe("new");
  });

  test("what happens while a page is under way is done to the page, too", () => {
    const store = opened();
    const reading = store.beginReading();
    store.apply(edit(9, 1, "new"));
    expect(store.endReading(reading, () => store.conversation(ROOM).hold([message(1)]))).toBe(true);
    expect(store.conversation(ROOM).at(1)?.message).toBe("new");
  });

  test("a page from before conversations were begun anew is not put in", () => {
    const store = opened();
    const reading = store.beginReading();
    store.open(ready(3000), [ROOM], []);
    expect(store.endReading(reading, () => store.conversation(ROOM).hold([message(1)]))).toBe(
      false,
    );
    expect(store.conversation(ROOM).at(1)).toBeUndefined();
  });
});

describe("unread", () => {
  test("it is what there is without what was read, and one's own is read", () => {
    const store = opened();
    store.apply(message(1));
    store.apply(message(2));
    expect(store.conversation(ROOM).unread).toBe(2);
    store.readUpTo(ROOM, 1);
    expect(store.conversation(ROOM).unread).toBe(1);
    store.apply(message(3, SELF));
    expect(store.conversation(ROOM).unread).toBe(0);
  });

  test("marks never fall", () => {
    const store = opened();
    store.apply(message(1));
    store.readUpTo(ROOM, 1);
    store.open(ready(1), [], []);
    expect(store.conversation(ROOM).readIndex).toBe(1);
  });
});

describe("blocked users", () => {
  test("every beginning says who is blocked, and events change it", () => {
    const store = opened();
    store.open({ ...ready(0), blocked: [OTHER] }, [], []);
    expect([...store.blocked]).toEqual([OTHER]);
    store.applyPassing({ type: "block", user_id: "01third", blocked: true });
    store.applyPassing({ type: "block", user_id: OTHER, blocked: false });
    expect([...store.blocked]).toEqual(["01third"]);
  });

  test("a beginning takes back what was ended meanwhile, and one that is silent takes nothing", () => {
    const store = opened();
    store.open({ ...ready(0), blocked: [OTHER] }, [], []);
    store.open(ready(0), [], []);
    expect(store.blocked.has(OTHER)).toBe(true);
    store.open({ ...ready(0), blocked: [] }, [], []);
    expect(store.blocked.size).toBe(0);
  });
});

describe("the timeline", () => {
  test("it shows a part without a hole, and says what is missing", () => {
    const store = opened(9);
    const conversation = store.conversation(ROOM);
    conversation.hold([1, 2, 3, 7, 8, 9].map((seq) => message(seq)));
    const newest = new TimelineSelector(store, `r:${ROOM}`, null).select();
    expect([newest.from, newest.to, newest.hasOlder, newest.hasNewer]).toEqual([7, 9, true, false]);
    const oldest = new TimelineSelector(store, `r:${ROOM}`, 2).select();
    // What happened to the room before its first message is read as well.
    expect([oldest.from, oldest.to, oldest.hasOlder, oldest.hasNewer]).toEqual([1, 3, true, true]);
    conversation.beginsWith(1);
    expect(new TimelineSelector(store, `r:${ROOM}`, 2).select().hasOlder).toBe(false);
    conversation.hold([4, 5, 6].map((seq) => message(seq)));
    expect(new TimelineSelector(store, `r:${ROOM}`, null).select().items).toHaveLength(9);
  });

  test("what has not changed stays the same object", () => {
    const store = opened();
    store.apply(message(1));
    store.apply(message(2));
    const selector = new TimelineSelector(store, `r:${ROOM}`, null);
    const before = selector.select();
    expect(selector.select()).toBe(before);
    store.apply(reaction(3, 2));
    const after = selector.select();
    expect(after.items[0]).toBe(before.items[0]);
    expect(after.items[1]).not.toBe(before.items[1]);
  });

  test("one's own message takes the place of the one on its way, under the same key", () => {
    const store = opened();
    store.putOutgoing({
      client_id: "client-1",
      target: { room_id: ROOM },
      message: "text 1",
      reply_to: null,
      written_at: 0,
      state: "sending",
      problem: null,
    });
    const selector = new TimelineSelector(store, `r:${ROOM}`, null);
    expect(selector.select().items.map((item) => [item.kind, item.key])).toEqual([
      ["outgoing", "client-1"],
    ]);
    store.apply(message(1, SELF));
    expect(selector.select().items.map((item) => [item.kind, item.key])).toEqual([
      ["message", "client-1"],
    ]);
  });
});

describe("mentions", () => {
  test("an unread message that names the user marks the conversation until it is read", () => {
    const store = opened();
    store.apply({ ...message(1), mentions: [SELF] });
    store.apply(message(2));
    const mentioned = () => detailsOf(store.conversation(ROOM), SELF).mentioned;
    expect(mentioned()).toBe(true);
    store.readUpTo(ROOM, 1);
    expect(mentioned()).toBe(false);
  });

  test("a mention that is deleted marks no longer", () => {
    const store = opened();
    store.apply({ ...message(1), mentions: [SELF] });
    store.apply({ ...base(2), type: "message_deleted", message_index: 1, message_id: base(1).id });
    expect(detailsOf(store.conversation(ROOM), SELF).mentioned).toBe(false);
  });
});

describe("unread", () => {
  const listed = (fields: object) => ({
    ...{ conversation_id: ROOM, kind: "room" as const, room_name: "Room", peer_id: "", last_activity_at: "" },
    ...{ seq: 9, message_index: 5, read_index: 2, delivered_index: 5, last_message: null },
    ...fields,
  });
  const deletion = (seq: number, of: number): Entry => ({
    ...{ ...base(seq), type: "message_deleted", message_index: 5 },
    ...{ message_id: base(of).id, deleted_index: of },
  });

  test("deleted messages do not count, whether they were deleted before or are deleted now", () => {
    const room = opened(9).conversation(ROOM);
    room.list(listed({ unread: 2 }));
    expect(room.unread).toBe(2);
    room.apply(deletion(10, 4));
    expect(room.unread).toBe(1);
    // One that was read already changes nothing, nor does one that is told again.
    room.apply(deletion(11, 1));
    room.replay(deletion(10, 4));
    expect(room.unread).toBe(1);
    room.raise([{ user_id: SELF, read_index: 5, delivered_index: 5 }]);
    expect(room.unread).toBe(0);
  });

  test("a list that is read while messages are deleted counts each deletion once", () => {
    const store = opened(9);
    const room = store.conversation(ROOM);
    const reading = store.beginReading();
    store.apply(deletion(10, 4));
    store.apply(deletion(11, 3));
    store.endReading(reading, () => room.list(listed({ seq: 10, unread: 2 })));
    expect(room.unread).toBe(1);
  });

  test("being added is unread until the user has looked", () => {
    const store = opened(0);
    const room = store.conversation(ROOM);
    room.list(listed({ message_index: 4, read_index: 4, unread: 1, added_by: OTHER }));
    expect([room.unread, room.addedBy]).toEqual([1, OTHER]);
    store.readUpTo(ROOM, 4);
    expect([room.unread, room.addedBy]).toEqual([0, ""]);
  });

  test("having been added counts only while no message does", () => {
    const room = opened(0).conversation(ROOM);
    room.list(listed({ message_index: 4, read_index: 4, unread: 1, added_by: OTHER }));
    expect([room.unread, room.onlyAdded]).toEqual([1, true]);
    room.list(listed({ message_index: 5, read_index: 4, unread: 1, added_by: OTHER }));
    expect([room.unread, room.onlyAdded]).toEqual([1, false]);
    room.list(listed({ message_index: 6, read_index: 4, unread: 2, added_by: OTHER }));
    expect(room.unread).toBe(2);
  });

  test("only one's own messages say that one has read, no other entry of one's own", () => {
    const room = opened(9).conversation(ROOM);
    room.list(listed({}));
    room.apply({ ...reaction(10, 3), sender_id: SELF });
    expect(room.unread).toBe(3);
  });
});
