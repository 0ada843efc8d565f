// What the platform gives in pages is read to its end, and shown meanwhile.

import { expect, test } from "vitest";
import type { Role } from "../protocol/events";
import type { Api, PageQuery, RoomDetails } from "../session/api";
import { detailsOf, TimelineSelector } from "../store/selectors";
import { Store } from "../store/store";
import { added, ROOM, SELF, head, message } from "../testing/entries";
import { Loader } from "./loader";

const SIZE = 450;
const PAGE = 200;
const USERS = Array.from({ length: SIZE }, (_, index) => `01user${String(index).padStart(20, "0")}`);

/** A platform with one room, whose members and marks come in pages. */
class Pages {
  readonly asked: string[] = [];

  room(id: string, cursor: string): Promise<RoomDetails> {
    this.asked.push(`room ${cursor}`);
    const { found, next } = page(cursor);
    return Promise.resolve({
      room_id: id,
      room_name: "Large",
      creator_id: SELF,
      seq: 1,
      settings: { adding: "members", posting: "members", history: "everything" },
      members: found.map((user_id) => ({ user_id, role: "member" as Role })),
      next_cursor: next,
      member_count: SIZE + 1,
      role: "owner",
    });
  }

  marks(_: string, cursor: string) {
    this.asked.push(`marks ${cursor}`);
    const { found, next } = page(cursor);
    const marks = found.map((user_id) => ({ user_id, read_index: 1, delivered_index: 1 }));
    return Promise.resolve({ marks, next_cursor: next });
  }
}

function page(cursor: string): { found: string[]; next: string } {
  const from = cursor === "" ? 0 : Number(cursor);
  return { found: USERS.slice(from, from + PAGE), next: from + PAGE < SIZE ? String(from + PAGE) : "" };
}

function opened(): { store: Store; pages: Pages; loader: Loader } {
  const store = new Store(SELF);
  const ready = { type: "ready" as const, user_id: SELF, session_id: "01session", conversations: [head(0)] };
  store.open(ready, [ROOM], []);
  const pages = new Pages();
  return { store, pages, loader: new Loader(pages as unknown as Api, store) };
}

test("a large room shows its size and one's role with the first page, and its members later", async () => {
  const { store, pages, loader } = opened();
  const room = store.conversation(ROOM);
  await loader.room(ROOM);
  expect(detailsOf(room, SELF)).toMatchObject({ size: SIZE + 1, role: "owner" });
  expect(room.members?.size).toBe(PAGE + 1);
  await loader.members(ROOM);
  expect([...(room.members?.keys() ?? [])].toSorted()).toEqual([...USERS, SELF].toSorted());
  expect(pages.asked).toEqual(["room ", "room 200", "room 400"]);
  // Read again it keeps what it has, and nothing is left to be read.
  await loader.room(ROOM);
  await loader.members(ROOM);
  expect(room.members?.size).toBe(SIZE + 1);
  expect(detailsOf(room, SELF).size).toBe(SIZE + 1);
  expect(pages.asked).toHaveLength(4);
});

test("marks are read to their end", async () => {
  const { store, pages, loader } = opened();
  await loader.marks(ROOM);
  expect([...store.conversation(ROOM).marks.keys()].filter((id) => id !== SELF)).toEqual(USERS);
  expect(pages.asked).toEqual(["marks ", "marks 200", "marks 400"]);
});

test("where everything earlier is hidden nothing is missing, and what comes is shown", async () => {
  const store = new Store(SELF);
  const ready = { type: "ready" as const, user_id: SELF, session_id: "01session", conversations: [head(5)] };
  store.open(ready, [ROOM], []);
  const room = store.conversation(ROOM);
  room.messageIndex = 4;
  room.listed = true;
  const api = { roomHistory: () => Promise.resolve({ messages: [], has_more: false }) };
  const loader = new Loader(api as unknown as Api, store);
  const timeline = new TimelineSelector(store, `r:${ROOM}`, null);
  expect(timeline.select().isMissing).toBe(true);
  await loader.newest(ROOM);
  expect(timeline.select()).toMatchObject({ items: [], isMissing: false, hasOlder: false });
  expect(detailsOf(room, SELF).hidesEarlier).toBe(true);
  store.apply(message(6, SELF, 5));
  expect(timeline.select()).toMatchObject({ from: 5, to: 5, isMissing: false, hasOlder: false });
});

test("a message that comes while nothing can be read is the first that may be read", async () => {
  const { store } = opened();
  const room = store.conversation(ROOM);
  room.messageIndex = 4;
  room.listed = true;
  const api = {
    roomHistory: () => {
      store.apply(message(6, SELF, 5));
      return Promise.resolve({ messages: [], has_more: false });
    },
  };
  await new Loader(api as unknown as Api, store).newest(ROOM);
  expect(room.firstIndex).toBe(5);
});

/** A history of entries, the newest last: messages, and people who were added. */
function history(kinds: readonly ("message" | "added")[]) {
  const asked: PageQuery[] = [];
  let index = 0;
  const all = kinds.map((kind, at) =>
    kind === "message"
      ? message(at + 1, SELF, ++index)
      : { ...added(at + 1, `01added${at}`), message_index: index },
  );
  const api = {
    roomHistory: (_: string, query: PageQuery) => {
      asked.push(query);
      const before = all.filter(({ type, seq }) => seq < (query.before ?? Infinity) && (query.entries || type === "message"));
      const page = before.slice(-(query.limit ?? 50));
      return Promise.resolve({
        messages: page.filter(({ type }) => type === "message"),
        entries: page.filter(({ type }) => type !== "message"),
        has_more: before.length > page.length,
      });
    },
  };
  const store = new Store(SELF);
  const ready = { type: "ready" as const, user_id: SELF, session_id: "01session", conversations: [head(all.length)] };
  store.open(ready, [ROOM], []);
  const room = store.conversation(ROOM);
  room.messageIndex = index;
  room.listed = true;
  return { room, asked, store, loader: new Loader(api as unknown as Api, store) };
}

test("a page brings what happened between its messages, each thing once", async () => {
  const { room, store, loader } = history(["added", "message", "added", "message", "added"]);
  await loader.newest(ROOM);
  await loader.newest(ROOM);
  const items = new TimelineSelector(store, `r:${ROOM}`, null).select().items;
  expect(items.map(({ kind }) => kind)).toEqual(["notice", "message", "notice", "message", "notice"]);
  expect(room.firstIndex).toBe(1);
});

test("notices that fill pages are read on from, and thousands of them are left out", async () => {
  const few = history([...Array(3).fill("message"), ...Array(60).fill("added")]);
  await few.loader.newest(ROOM);
  expect(few.room.run(3)).toEqual({ from: 1, to: 3 });
  expect(few.room.noticesWithin(0, 3)).toHaveLength(60);
  expect(few.asked).toHaveLength(2);

  const many = history([...Array(30).fill("message"), ...Array(5_000).fill("added")]);
  await many.loader.newest(ROOM);
  expect(many.room.run(30)).toEqual({ from: 1, to: 30 });
  expect(many.asked).toHaveLength(4);
});

test("a room in which nobody has written shows what happened to it", async () => {
  const { room, store, loader } = history(["added", "added"]);
  await loader.newest(ROOM);
  expect(new TimelineSelector(store, `r:${ROOM}`, null).select()).toMatchObject({ isMissing: false });
  expect(room.noticesWithin(0, 0)).toHaveLength(2);
  expect(detailsOf(room, SELF).hidesEarlier).toBe(false);
});
