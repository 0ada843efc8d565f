// A server of one room that keeps to docs/protocol.md, and loses connections when a test says so.

import type { Entry, MessageEvent } from "../protocol/events";
import type { Clock, WebSocketLike } from "../socket/session_socket";
import { base, head, OTHER, ROOM, SELF } from "./entries";

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  private time = 0;
  private count = 0;
  private readonly timers = new Map<number, { at: number; task: () => void }>();

  now(): number {
    return this.time;
  }

  setTimeout(task: () => void, delayMs: number): number {
    this.timers.set(++this.count, { at: this.time + delayMs, task });
    return this.count;
  }

  clearTimeout(timer: number): void {
    this.timers.delete(timer);
  }

  /** Let time pass, with everything that falls due in it. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.timers].filter(([, { at }]) => at <= end);
      const next = due.toSorted((one, two) => one[1].at - two[1].at)[0];
      if (next === undefined) break;
      this.timers.delete(next[0]);
      this.time = Math.max(this.time, next[1].at);
      next[1].task();
    }
    this.time = end;
  }
}

/** Let everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

export class FakeServer {
  connections = 0;
  readonly log: Entry[] = [];
  /** Whether to refuse the next `resume`. */
  refusesResume = false;
  /** Whether nobody gets in. */
  isDown = false;
  /** Whether it reads nothing of what it is sent, with its connections open. */
  isSilent = false;
  private connection: FakeConnection | null = null;

  readonly open = (): WebSocketLike => {
    const connection = new FakeConnection(this);
    if (this.isDown) queueMicrotask(() => connection.lose(true));
    else this.connection = connection;
    return connection;
  };

  get messageCount(): number {
    return this.log.filter((entry) => entry.type === "message").length;
  }

  /** Something happens in the room. */
  append(make: (seq: number, index: number) => Entry): Entry {
    const entry = make(this.log.length + 1, this.messageCount);
    this.log.push(entry);
    this.connection?.flush();
    return entry;
  }

  say(text: string, sender = OTHER, clientId?: string): Entry {
    return this.append((seq, index): MessageEvent => {
      const entry = base(seq, sender);
      return {
        ...entry,
        client_id: clientId ?? entry.client_id,
        type: "message",
        message_index: index + 1,
        message: text,
        updated_at: entry.created_at,
      };
    });
  }

  /** The connection is lost; with `unheard`, what is on its way to the client is lost, too. */
  lose(unheard: boolean): void {
    this.connection?.lose(unheard);
    this.connection = null;
  }
}

export class FakeConnection implements WebSocketLike {
  onopen: WebSocket["onopen"] = null;
  onmessage: WebSocket["onmessage"] = null;
  onclose: WebSocket["onclose"] = null;
  readyState: 1 | 3 = 1;
  private readonly queue: object[] = [];
  private readonly server: FakeServer;
  private told: number | null = null;
  private readonly begin: number;

  constructor(server: FakeServer) {
    this.server = server;
    this.begin = server.log.length;
    queueMicrotask(() => {
      if (server.isDown) return;
      this.onopen?.call(this as never, {} as Event);
      const ready = { type: "ready", user_id: SELF, session_id: "01session" };
      const conversations = [head(this.begin)];
      // Every other connection tells of it in two parts, as it does where there is much.
      if (server.connections++ % 2 === 0) {
        this.say({ ...ready, conversations });
      } else {
        this.say({ ...ready, conversations: [], has_more: true });
        this.say({ type: "conversations", conversations, has_more: false });
      }
    });
  }

  send(text: string): void {
    if (this.server.isSilent) return;
    const command = JSON.parse(text) as Record<string, unknown>;
    if (command["type"] === "resume" && this.server.refusesResume) {
      this.server.refusesResume = false;
      this.say({ type: "error", ref: command["ref"], code: "storage_unavailable", detail: "" });
    } else if (command["type"] === "resume") {
      const named = command["conversations"] as Record<string, number>;
      this.told = named[ROOM] ?? this.begin;
      this.flush();
      this.say({ type: "resumed", ref: null, conversations: {}, unknown: [] });
    } else if (command["type"] === "send") {
      this.store(command);
    }
  }

  close(): void {
    this.readyState = 3;
  }

  /** Tell what has happened since. */
  flush(): void {
    if (this.told === null) return;
    for (const entry of this.server.log.slice(this.told)) this.say(entry);
    this.told = this.server.log.length;
  }

  lose(unheard: boolean): void {
    if (unheard) this.queue.length = 0;
    this.deliver();
    this.readyState = 3;
    this.onclose?.call(this as never, { code: 1006, reason: "" } as CloseEvent);
  }

  private store(command: Record<string, unknown>): void {
    const { client_id, message, ref } = command as Record<string, string>;
    const known = this.server.log.find(
      (entry) => entry.sender_id === SELF && entry.client_id === client_id,
    );
    const entry = known ?? this.server.say(message ?? "", SELF, client_id);
    const { id, conversation_id, seq, message_index, created_at } = entry;
    this.say({
      ...{ type: "ack", ref, client_id, id, conversation_id, seq, message_index, created_at },
      duplicate: known !== undefined,
    });
  }

  private say(frame: object): void {
    this.queue.push(frame);
    queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    for (const frame of this.queue.splice(0)) {
      if (this.readyState !== 1) return;
      this.onmessage?.call(this as never, { data: JSON.stringify(frame) } as never);
    }
  }
}
