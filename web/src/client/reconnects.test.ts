// However connections come and go, the store ends with what the server has, and sends are stored
// exactly once.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../protocol/events";
import { SessionSocket } from "../socket/session_socket";
import { changed, messageOf, type Message } from "../store/message";
import { OutgoingStorage } from "../store/outgoing";
import { copyOf, parseCopy, restore, type PageCopy } from "../store/page_copy";
import { Store } from "../store/store";
import { base, ROOM, SELF } from "../testing/entries";
import { FakeServer, ManualClock } from "../testing/fake_server";
import { MemoryStorage } from "../testing/memory_storage";
import { Sender } from "./sender";

type Step =
  | { do: "hear" | "send" | "edit" | "delete" | "react" | "unreact" | "lose" | "loseUnheard" | "refuse" | "reload" }
  | { do: "wait"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    { do: "hear" },
    { do: "send" },
    { do: "edit" },
    { do: "delete" },
    { do: "react" },
    { do: "unreact" },
    { do: "lose" },
    { do: "loseUnheard" },
    { do: "refuse" },
    { do: "reload" },
  ),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 3000 }) }),
);

/** Return what the messages are after everything in the log, read from the beginning. */
function expected(log: readonly Entry[]): Message[] {
  const messages = new Map<string, Message>();
  for (const entry of log) {
    if (entry.type === "message") messages.set(entry.id, messageOf(entry));
    else if ("message_id" in entry) {
      const message = messages.get(entry.message_id);
      if (message !== undefined) messages.set(message.id, changed(message, entry));
    }
  }
  return [...messages.values()];
}

function changeOf(server: FakeServer, kind: Step["do"], pick: number): void {
  const messages = server.log.filter((entry) => entry.type === "message");
  const target = messages[pick % Math.max(1, messages.length)];
  if (target === undefined) return;
  server.append((seq, index): Entry => {
    const about = { ...base(seq), message_index: index, message_id: target.id };
    if (kind === "edit") return { ...about, type: "message_edited", message: `edit ${seq}` };
    if (kind === "delete") return { ...about, type: "message_deleted" };
    const type = kind === "react" ? "reaction_added" : "reaction_removed";
    return { ...about, type, emoji: "👍" };
  });
}

/** Join what a page joins. */
function openPage(server: FakeServer, clock: ManualClock, kept: Storage, copy: PageCopy | null = null) {
  const store = new Store(SELF, () => clock.now());
  const resumed = copy === null ? new Map<string, number>() : restore(store, copy);
  const storage = new OutgoingStorage(kept, SELF);
  const socket = new SessionSocket({
    url: "ws://test/ws/chat",
    credentials: {
      current: { userId: SELF, sessionId: "01session" },
      fresh: () => Promise.resolve("token"),
      renewed: () => Promise.resolve("token"),
    },
    listener: {
      changed: (state) => store.setConnection(state),
      opened: (ready, begun, gone) => store.open(ready, begun, gone),
      entry: (entry) => store.apply(entry),
      passing: (event) => store.applyPassing(event),
      stalled: (isStalled) => store.setStalled(isStalled),
    },
    probe: () => Promise.resolve(),
    kept: resumed,
    open: server.open,
    clock,
    random: () => 0.5,
  });
  const sender = new Sender(store, storage, socket);
  sender.start();
  socket.start();
  return { store, storage, socket, sender };
}

async function run(steps: readonly Step[], picks: readonly number[]) {
  const server = new FakeServer();
  const clock = new ManualClock();
  const kept = new MemoryStorage();
  let page = openPage(server, clock, kept);
  await clock.pass(10);
  for (const [at, { do: what, ...rest }] of steps.entries()) {
    const pick = picks[at % picks.length] ?? 0;
    if (what === "wait") await clock.pass("ms" in rest ? rest.ms : 0);
    else if (what === "hear") server.say(`heard ${at}`);
    else if (what === "send") page.sender.send(`r:${ROOM}`, `sent ${at}`);
    else if (what === "reload") page = reloaded(page, server, clock, kept);
    else if (what === "lose" || what === "loseUnheard") server.lose(what === "loseUnheard");
    else if (what === "refuse") server.refusesResume = true;
    else changeOf(server, what, pick);
  }
  await clock.pass(60_000);
  page.socket.stop();
  return { server, store: page.store, storage: page.storage };
}

/** Close a page, and open the next with what it has kept. What nothing is kept of would be read over HTTP. */
function reloaded(
  page: ReturnType<typeof openPage>,
  server: FakeServer,
  clock: ManualClock,
  kept: Storage,
) {
  const { store, socket } = page;
  if (socket.seqOf(ROOM) === 0) return page;
  store.conversation(ROOM).listed = true;
  const text = JSON.stringify(copyOf(store, (id) => socket.seqOf(id)));
  socket.stop();
  return openPage(server, clock, kept, parseCopy(text));
}

test("any order of losses and returns leads to the state of the server", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
      async (steps, picks) => {
        const { server, store, storage } = await run(steps, picks);
        const conversation = store.conversation(ROOM);
        const held = Array.from({ length: conversation.messageIndex }, (_, at) =>
          conversation.at(at + 1),
        );
        expect(held).toEqual(expected(server.log));

        const sent = steps.flatMap(({ do: what }, at) => (what === "send" ? [`sent ${at}`] : []));
        const stored = server.log.filter(
          (entry) => entry.type === "message" && entry.sender_id === SELF,
        );
        expect(stored.map((entry) => "message" in entry && entry.message)).toEqual(sent);
        expect(store.outgoing.size).toBe(0);
        expect(storage.load()).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});

test("a connection whose resume is refused is left for another one at once", async () => {
  const server = new FakeServer();
  const clock = new ManualClock();
  const { store, socket } = openPage(server, clock, new MemoryStorage());
  await clock.pass(10);
  server.refusesResume = true;
  server.lose(false);
  server.say("heard");
  await clock.pass(2_000);
  socket.stop();
  expect(server.refusesResume).toBe(false);
  expect(store.conversation(ROOM).at(1)?.message).toBe("heard");
});

test("when the network is back, the first attempts follow each other closely", async () => {
  const server = new FakeServer();
  const clock = new ManualClock();
  const { store, socket } = openPage(server, clock, new MemoryStorage());
  await clock.pass(10);
  server.isDown = true;
  server.lose(false);
  server.say("heard");
  await clock.pass(120_000);
  socket.nudge();
  await clock.pass(1_000);
  server.isDown = false;
  await clock.pass(1_000);
  socket.stop();
  expect(store.conversation(ROOM).at(1)?.message).toBe("heard");
});

test("what was written before a reload is sent by the next page, and stored once", async () => {
  const server = new FakeServer();
  const clock = new ManualClock();
  const kept = new MemoryStorage();
  const first = openPage(server, clock, kept);
  first.sender.send(`r:${ROOM}`, "never sent");
  const clientId = first.sender.send(`r:${ROOM}`, "stored, and not acknowledged");
  first.socket.stop();
  server.say("stored, and not acknowledged", SELF, clientId);

  const second = openPage(server, clock, kept);
  expect(second.store.outgoing.size).toBe(2);
  await clock.pass(1_000);
  second.socket.stop();
  expect(server.log.map((entry) => "message" in entry && entry.message)).toEqual([
    "stored, and not acknowledged",
    "never sent",
  ]);
  expect(second.store.outgoing.size).toBe(0);
  expect(second.storage.load()).toEqual([]);
});

test("a server that does not answer is reported long before the connection is given up", async () => {
  const server = new FakeServer();
  const clock = new ManualClock();
  const { store, socket, sender } = openPage(server, clock, new MemoryStorage());
  await clock.pass(10);
  server.isSilent = true;
  sender.send(`r:${ROOM}`, "hello?");
  await clock.pass(4_000);
  expect(store.isStalled).toBe(true);
  expect(store.connection).toBe("live");
  server.isSilent = false;
  server.say("here I am");
  await clock.pass(10);
  expect(store.isStalled).toBe(false);
  await clock.pass(1_000);
  socket.stop();
});
