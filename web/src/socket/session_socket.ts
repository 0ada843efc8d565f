// The session socket: everything of one user's conversations on one connection, kept up.
//
// The rules are elsewhere (`inbox.ts`: order and resuming; `outbox.ts`: exactly-once commands);
// here they meet the connection and time.

import type { Credentials } from "../session/credentials";
import { ApiError, ConnectionLostError, LoggedOutError } from "../session/errors";
import { decodeFrame, isEntry } from "../protocol/codec";
import { laneOf, type Appending, type Commands } from "../protocol/commands";
import type {
  Entry,
  Frame,
  MoreConversations,
  Passing,
  Ready,
  Refusal,
  Reply,
} from "../protocol/events";
import type { ClientId, ConversationId } from "../protocol/ids";
import { Backoff, fullJitter } from "./backoff";
import { Inbox } from "./inbox";
import { Outbox } from "./outbox";
import { Pace } from "./pace";

/** `live`: caught up, and events come as they happen. `closed`: for good. */
export type SocketState = "offline" | "connecting" | "live" | "closed";

export type WebSocketLike = Pick<
  WebSocket,
  "send" | "close" | "onopen" | "onmessage" | "onclose" | "readyState"
>;

export interface Clock {
  now(): number;
  setTimeout(task: () => void, delayMs: number): number;
  clearTimeout(timer: number): void;
}

/** Who is told. Calls come in the order in which things happen, none inside another. */
export interface Listener {
  /** `reason` says why the session is over, where it is. */
  changed(state: SocketState, reason: Error | null): void;
  /** A connection begins. `begun`: what was held of these conversations is out of date. */
  opened(ready: Ready, begun: readonly ConversationId[], gone: readonly ConversationId[]): void;
  /** Each entry of a conversation once, in the order of `seq`, without a hole. */
  entry(entry: Entry): void;
  /** Told once or not at all. */
  passing(event: Passing): void;
  /** The server has stopped answering on a connection that is open, or answers again. */
  stalled(isStalled: boolean): void;
}

export interface SocketOptions {
  readonly url: string;
  readonly credentials: Pick<Credentials, "current" | "fresh" | "renewed">;
  readonly listener: Listener;
  /** Ask over HTTP whether the session still holds: a browser is not told why a handshake fails. */
  readonly probe: () => Promise<unknown>;
  /** Up to where an earlier page has kept what it held of conversations. */
  readonly kept?: ReadonlyMap<ConversationId, number>;
  /** Whether somebody is looking, who should see soon that the server does not answer. */
  readonly isWatched?: () => boolean;
  readonly open?: (url: string, protocols: string[]) => WebSocketLike;
  readonly clock?: Clock;
  readonly random?: () => number;
}

// Refusals that say nothing about the command: it is worth trying again.
const PASSING = new Set([
  "storage_unavailable",
  "overloaded",
  "service_unavailable",
  "request_timed_out",
  "rate_limited",
]);
const RETRY_BASE_MS = 200;
const RETRY_CAP_MS = 5_000;
// A rate limit says when there is room again: only a little is added, so that the tabs of one user
// do not all come back in the same moment.
const LIMITED = "rate_limited";
const LIMITED_BASE_MS = 50;
// A command that has to wait for longer is refused, and not repeated while others wait behind it.
const LONGEST_RETRY_MS = 10_000;
// From this close code on, connecting again is no use, with two exceptions.
const STAY_AWAY = 4400;
const TOKEN_EXPIRED = 4401;
const TOO_MANY_MESSAGES = 4429;
const PAUSE_AFTER_TOO_MANY_MS = 3_000;
const NORMAL = 1000;
const OPEN = 1;

const BACKOFF_BASE_MS = 250;
const BACKOFF_CAP_MS = 15_000;
// A connection that was live for so long was a good one: begin again with short delays.
const STABLE_MS = 5_000;
const OPEN_WITHIN_MS = 15_000;
const PING_AFTER_MS = 25_000;
const PING_AFTER_IF_WATCHED_MS = 5_000;
// What was asked on the user's behalf is answered sooner, or something is wrong.
const ANSWER_WITHIN_MS = 1_500;
// A pong that takes so long is reported; the connection is given up later.
const STALLED_AFTER_MS = 2_000;
const PONG_WITHIN_MS = 10_000;
const NUDGED_PONG_WITHIN_MS = 3_000;
// Of the time in which a server that stops wants to be left.
const LEAVING_PART = 0.8;
const MESSAGES_PER_S = 40;
const MESSAGE_BURST = 150;
// A server closes a socket that sends a longer message, and would again after every repeat.
const MAX_COMMAND_BYTES = 60 * 1024;
// Commands have numbers.
const RESUME_REF = "resume";

export const BROWSER_CLOCK: Clock = {
  now: () => performance.now(),
  setTimeout: (task, delayMs) => window.setTimeout(task, delayMs),
  clearTimeout: (timer) => window.clearTimeout(timer),
};

interface Pending {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class SessionSocket {
  private readonly options: SocketOptions;
  private readonly listener: Listener;
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly backoff: Backoff;
  private readonly inbox: Inbox;
  private readonly outbox = new Outbox();
  private readonly pending = new Map<string, Pending>();
  private state: SocketState = "offline";
  private socket: WebSocketLike | null = null;
  private token = "";
  private isReady = false;
  /** What `ready` has said while more of it is to come. */
  private opening: Ready | null = null;
  private isResumeComplete = false;
  private liveSince: number | null = null;
  private pace: Pace;
  private refs = 0;
  private retryTimer: number | null = null;
  private openTimer: number | null = null;
  private silenceTimer: number | null = null;
  private stallTimer: number | null = null;
  private isStalled = false;
  /** Whether an answer is awaited already, to a ping or to something else. */
  private isAnswerDue = false;
  private leaveTimer: number | null = null;
  private writeTimer: number | null = null;

  constructor(options: SocketOptions) {
    const user = options.credentials.current;
    if (user === null) throw new LoggedOutError("log in first");
    this.options = options;
    this.listener = options.listener;
    this.clock = options.clock ?? BROWSER_CLOCK;
    this.random = options.random ?? Math.random;
    this.backoff = new Backoff(BACKOFF_BASE_MS, BACKOFF_CAP_MS, this.random);
    this.inbox = new Inbox(user.userId, options.kept);
    this.pace = new Pace(MESSAGES_PER_S, MESSAGE_BURST, this.clock.now());
  }

  /** Connect, and again after every loss. */
  start(): void {
    if (this.state !== "offline" || this.retryTimer !== null) return;
    void this.connect();
  }

  /** End the session on this side. Commands without an answer fail. */
  stop(): void {
    this.end(new ConnectionLostError("closed on this side"), null);
  }

  /** Something has happened to the network or the page: look at once how things are. */
  nudge(): void {
    // What failed before says nothing about how long it takes now.
    this.backoff.reset();
    if (this.state === "offline" && this.retryTimer !== null) {
      this.clear("retryTimer");
      void this.connect();
    } else if (this.state === "live") {
      this.pingNow(NUDGED_PONG_WITHIN_MS);
    }
  }

  /** Return the last seq of a conversation that was told. */
  seqOf(conversationId: ConversationId): number {
    return this.inbox.seqOf(conversationId);
  }

  /**
   * Say something that appends an entry, exactly once: it is sent again, with the same
   * `clientId`, after every loss of the connection and every passing refusal until it is answered.
   * Those of one conversation keep their order. Rejects with `ApiError` for a refusal, and where
   * the session ends.
   */
  append<K extends Appending>(type: K, fields: Commands[K], clientId: ClientId): Promise<Reply> {
    return this.ask(type, { ...fields, client_id: clientId }, true);
  }

  /** Say something of the moment. Without a connection, or if it is lost, it rejects. */
  tell<K extends Exclude<keyof Commands, Appending | "typing">>(
    type: K,
    fields: Commands[K],
  ): Promise<Reply> {
    if (!this.isReady) return Promise.reject(new ConnectionLostError("not connected"));
    return this.ask(type, { ...fields }, false);
  }

  /** Say that one is writing; without a connection nobody is told. */
  tellTyping(conversationId: ConversationId): void {
    if (this.state !== "live" || this.pace.delay(this.clock.now()) > 0) return;
    this.write(JSON.stringify({ type: "typing", conversation_id: conversationId }));
  }

  // Commands

  private ask(
    type: string,
    fields: Record<string, unknown>,
    repeatable: boolean,
  ): Promise<Reply> {
    if (this.state === "closed") return Promise.reject(new LoggedOutError("the session is over"));
    const ref = String(++this.refs);
    const text = JSON.stringify({ type, ref, ...fields });
    if (new TextEncoder().encode(text).length > MAX_COMMAND_BYTES) {
      return Promise.reject(new ApiError("message_too_long", "This is too long to send."));
    }
    return new Promise((resolve, reject) => {
      this.pending.set(ref, { resolve, reject });
      this.outbox.put({ ref, lane: laneOf(fields) ?? `ref ${ref}`, text, repeatable });
      this.flush();
    });
  }

  /** Send what is due, as fast as the server allows. */
  private flush(): void {
    this.clear("writeTimer");
    while (this.isReady && this.socket?.readyState === OPEN) {
      const now = this.clock.now();
      const delay = this.pace.delay(now);
      if (delay > 0) return this.flushIn(delay);
      const command = this.outbox.nextDue(now);
      if (command === null) {
        const next = this.outbox.nextTime();
        if (next !== null) this.flushIn(Math.max(10, next - now));
        return;
      }
      this.write(command.text);
      this.expectAnswer();
    }
  }

  private flushIn(delayMs: number): void {
    this.writeTimer = this.clock.setTimeout(() => {
      this.writeTimer = null;
      this.flush();
    }, delayMs);
  }

  private write(text: string): void {
    if (this.socket?.readyState !== OPEN) return;
    this.pace.spend(this.clock.now());
    this.socket.send(text);
  }

  private answered(ref: string | null, settle: (pending: Pending) => void): void {
    const pending = this.pending.get(ref ?? "");
    if (ref === null || pending === undefined) return;
    this.pending.delete(ref);
    this.outbox.answered(ref);
    settle(pending);
    this.flush();
  }

  private refused(refusal: Refusal): void {
    const ref = refusal.ref;
    const postponed = ref === null ? undefined : this.outbox.postponements(ref);
    if (ref === null || postponed === undefined) return;
    const wait = (refusal.retry_after_s ?? 0) * 1000;
    const mayPass = PASSING.has(refusal.code) && wait <= LONGEST_RETRY_MS;
    if (mayPass && this.outbox.isRepeatable(ref)) {
      const delay =
        refusal.code === LIMITED && wait > 0
          ? wait + fullJitter(postponed, LIMITED_BASE_MS, RETRY_CAP_MS, this.random)
          : Math.max(wait, fullJitter(postponed, RETRY_BASE_MS, RETRY_CAP_MS, this.random));
      this.outbox.postpone(ref, this.clock.now() + delay);
      this.flush();
      return;
    }
    const { code, detail, retry_after_s } = refusal;
    const error = new ApiError(code, detail, null, retry_after_s ?? null, { ...refusal });
    this.answered(ref, (pending) => pending.reject(error));
  }

  // Connections

  private async connect(): Promise<void> {
    this.enter("connecting", null);
    const user = this.options.credentials.current;
    try {
      this.token = await this.options.credentials.fresh();
    } catch (error) {
      this.afterRefusal(error);
      return;
    }
    if (this.state !== "connecting" || user === null) return;
    const open = this.options.open ?? ((url, protocols) => new WebSocket(url, protocols));
    const socket = open(`${this.options.url}?userId=${user.userId}`, [
      "chatterroom.v1",
      `bearer.${this.token}`,
    ]);
    let wasOpen = false;
    this.socket = socket;
    this.isReady = false;
    this.pace = new Pace(MESSAGES_PER_S, MESSAGE_BURST, this.clock.now());
    this.openTimer = this.clock.setTimeout(() => this.drop(0), OPEN_WITHIN_MS);
    socket.onopen = () => {
      wasOpen = true;
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.heard();
      this.read(String(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.afterClose(event.code, event.reason, wasOpen);
    };
  }

  /** Leave this connection, and come back after a pause and a random while. */
  private drop(pauseMs: number): void {
    const socket = this.socket;
    this.disconnect();
    socket?.close(NORMAL);
    this.enter("offline", null);
    // All who were told the same pause must not come back in the same moment.
    this.retryTimer = this.clock.setTimeout(() => {
      this.retryTimer = null;
      void this.connect();
    }, pauseMs + this.backoff.nextDelay());
  }

  private disconnect(): void {
    for (const timer of ["openTimer", "silenceTimer", "stallTimer", "leaveTimer", "writeTimer"] as const) {
      this.clear(timer);
    }
    this.isAnswerDue = false;
    this.stall(false);
    if (this.liveSince !== null && this.clock.now() - this.liveSince >= STABLE_MS) {
      this.backoff.reset();
    }
    this.socket = null;
    this.isReady = false;
    this.liveSince = null;
    for (const ref of this.outbox.disconnected()) {
      this.answered(ref, (p) => p.reject(new ConnectionLostError("the connection was lost")));
    }
  }

  private afterClose(code: number, reason: string, wasOpen: boolean): void {
    this.socket = null;
    if (code === TOKEN_EXPIRED) {
      this.dropAfter(this.options.credentials.renewed(this.token));
    } else if (code === TOO_MANY_MESSAGES) {
      this.drop(PAUSE_AFTER_TOO_MANY_MS);
    } else if (code >= STAY_AWAY && code < 5000) {
      const error = new ApiError("socket_closed", reason || `close code ${code}`);
      this.end(error, error);
    } else if (wasOpen) {
      this.drop(0);
    } else {
      this.dropAfter(this.options.probe());
    }
  }

  /** Come back once the session is known to hold, or its state cannot be learnt. */
  private dropAfter(check: Promise<unknown>): void {
    this.disconnect();
    this.enter("connecting", null);
    check.then(
      () => this.state === "connecting" && this.drop(0),
      (error: unknown) => this.afterRefusal(error),
    );
  }

  private afterRefusal(error: unknown): void {
    if (this.state === "closed") return;
    if (error instanceof LoggedOutError) this.end(error, error);
    else this.drop(error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0);
  }

  private end(answer: Error, reason: Error | null): void {
    if (this.state === "closed") return;
    const socket = this.socket;
    this.disconnect();
    this.clear("retryTimer");
    socket?.close(NORMAL);
    this.enter("closed", reason);
    for (const pending of this.pending.values()) pending.reject(answer);
    this.pending.clear();
  }

  private enter(state: SocketState, reason: Error | null): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.changed(state, reason);
  }

  // Reading

  private read(text: string): void {
    let frame: Frame;
    try {
      frame = decodeFrame(text);
    } catch {
      this.drop(0);
      return;
    }
    if (isEntry(frame)) {
      const verdict = this.inbox.take(frame);
      if (verdict === "next") this.listener.entry(frame);
      else if (verdict === "hole") this.drop(0);
      return;
    }
    switch (frame.type) {
      case "ready":
        this.opening = frame;
        return frame.has_more === true ? undefined : this.begin(frame);
      case "conversations":
        return this.more(frame);
      case "resumed":
        // Where there is more than one command can name, the next connection names the rest.
        return this.isResumeComplete ? this.caughtUp() : this.drop(0);
      case "going_away":
        return this.leaveWithin(frame.within_s);
      case "error":
        // Part of what was missed may be missing for good on this connection.
        return frame.ref === RESUME_REF ? this.drop(0) : this.refused(frame);
      case "ack":
      case "marked":
      case "pong":
        return this.answered(frame.ref, (pending) => pending.resolve(frame));
      case "presence":
        this.listener.passing(frame);
        return this.answered(frame.ref ?? null, (pending) => pending.resolve(frame));
      default:
        this.listener.passing(frame);
    }
  }

  private more(frame: MoreConversations): void {
    if (this.opening === null) return;
    const conversations = [...this.opening.conversations, ...frame.conversations];
    this.opening = { ...this.opening, conversations };
    if (!frame.has_more) this.begin(this.opening);
  }

  private begin(ready: Ready): void {
    this.opening = null;
    this.clear("openTimer");
    const opening = this.inbox.open(ready.conversations);
    this.isResumeComplete = opening.isComplete;
    this.isReady = true;
    this.listener.opened(ready, opening.begun, opening.gone);
    this.write(
      JSON.stringify({ type: "resume", ref: RESUME_REF, conversations: opening.resume }),
    );
    this.flush();
  }

  private caughtUp(): void {
    this.liveSince = this.clock.now();
    this.enter("live", null);
  }

  private leaveWithin(seconds: number): void {
    // Everybody else has been asked to, too: leave at a random moment.
    this.leaveTimer ??= this.clock.setTimeout(
      () => this.drop(0),
      this.random() * seconds * 1000 * LEAVING_PART,
    );
  }

  // Watching

  private heard(): void {
    this.clear("stallTimer");
    this.stall(false);
    this.isAnswerDue = false;
    this.pingAfter(this.options.isWatched?.() ? PING_AFTER_IF_WATCHED_MS : PING_AFTER_MS);
  }

  private expectAnswer(): void {
    if (this.isAnswerDue) return;
    this.isAnswerDue = true;
    this.pingAfter(ANSWER_WITHIN_MS);
  }

  private pingAfter(delayMs: number): void {
    this.clear("silenceTimer");
    this.silenceTimer = this.clock.setTimeout(() => this.pingNow(PONG_WITHIN_MS), delayMs);
  }

  private pingNow(withinMs: number): void {
    this.write(JSON.stringify({ type: "ping" }));
    this.isAnswerDue = true;
    this.clear("silenceTimer");
    this.silenceTimer = this.clock.setTimeout(() => this.drop(0), withinMs);
    this.clear("stallTimer");
    this.stallTimer = this.clock.setTimeout(() => this.stall(true), STALLED_AFTER_MS);
  }

  private stall(isStalled: boolean): void {
    if (isStalled === this.isStalled) return;
    this.isStalled = isStalled;
    this.listener.stalled(isStalled);
  }

  private clear(
    timer: "retryTimer" | "openTimer" | "silenceTimer" | "stallTimer" | "leaveTimer" | "writeTimer",
  ): void {
    const running = this[timer];
    if (running !== null) this.clock.clearTimeout(running);
    this[timer] = null;
  }
}
