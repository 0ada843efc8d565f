// The one store. Events of the session socket change it, pages of histories fill it; views read it.

import type { Entry, Passing, Ready } from "../protocol/events";
import type { ClientId, ConversationId, UserId } from "../protocol/ids";
import type { UserSummary } from "../session/api";
import type { SocketState } from "../socket/session_socket";
import { Conversation } from "./conversation";
import { placeKey, type OutgoingMessage, type PlaceKey } from "./outgoing";

// Bursts of events are shown together, once a frame.
const FRAME_MS = 16;
/** For so long somebody counts as writing after they have said so. */
export const TYPING_MS = 6_000;

/** A reading of something over HTTP, while events go on. */
export interface Reading {
  readonly epoch: number;
  readonly from: number;
}

export class Store {
  readonly selfId: UserId;
  connection: SocketState = "offline";
  /** Whether the connection is open and the server does not answer. */
  isStalled = false;
  /** Whether the list of conversations has been read. */
  listRead = false;
  readonly conversations = new Map<ConversationId, Conversation>();
  users: ReadonlyMap<UserId, UserSummary> = new Map();
  /** Ids that were asked for and belong to nobody. */
  missing: ReadonlySet<UserId> = new Set();
  online: ReadonlySet<UserId> = new Set();
  /** Whom the user has blocked. Who has blocked the user is not told. */
  blocked: ReadonlySet<UserId> = new Set();
  outgoing: ReadonlyMap<ClientId, OutgoingMessage> = new Map();
  /** Who is writing in a conversation, and until when that is believed. */
  typing: ReadonlyMap<ConversationId, ReadonlyMap<UserId, number>> = new Map();
  /** Raised with every change. */
  version = 0;

  private readonly listeners = new Set<() => void>();
  private notifyTimer: ReturnType<typeof setTimeout> | null = null;
  private notifiedAt = 0;
  private epoch = 0;
  private readings = 0;
  private log: Entry[] = [];
  private readonly now: () => number;

  constructor(selfId: UserId, now: () => number = Date.now) {
    this.selfId = selfId;
    this.now = now;
  }

  /** Call a listener after changes, at most once a frame; return how to stop that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  // Events

  setConnection(state: SocketState): void {
    this.connection = state;
    // Who is writing, and who is online, was not followed meanwhile.
    if (state !== "live") this.typing = new Map();
    this.touch();
  }

  setStalled(isStalled: boolean): void {
    this.isStalled = isStalled;
    this.touch();
  }

  open(
    ready: Ready,
    begun: readonly ConversationId[],
    gone: readonly ConversationId[],
  ): void {
    if (begun.length > 0) {
      this.epoch += 1;
      for (const id of begun) this.conversation(id).reset();
    }
    for (const id of gone) {
      const conversation = this.conversation(id);
      conversation.inside = false;
      conversation.version += 1;
    }
    if (ready.blocked !== undefined) this.blocked = new Set(ready.blocked);
    for (const head of ready.conversations) {
      const mark = { user_id: this.selfId, ...head };
      this.conversation(head.conversation_id).raise([mark]);
    }
    this.touch();
  }

  apply(entry: Entry): void {
    if (this.readings > 0) this.log.push(entry);
    this.conversation(entry.conversation_id).apply(entry);
    if (entry.type === "message") {
      this.stopTyping(entry.conversation_id, entry.sender_id);
      if (entry.sender_id === this.selfId) this.dropOutgoing(entry.client_id);
    }
    this.touch();
  }

  applyPassing(event: Passing): void {
    switch (event.type) {
      case "marks":
        this.conversation(event.conversation_id).raise(event.marks);
        break;
      case "presence": {
        const online = new Set(this.online);
        for (const user of event.users) {
          if (user.online) online.add(user.user_id);
          else online.delete(user.user_id);
        }
        this.online = online;
        break;
      }
      case "typing": {
        if (event.user_id === this.selfId) return;
        const writers = new Map(this.typing.get(event.conversation_id));
        writers.set(event.user_id, this.now() + TYPING_MS);
        this.typing = new Map(this.typing).set(event.conversation_id, writers);
        setTimeout(() => this.forgetTyping(), TYPING_MS + 50);
        break;
      }
      case "block": {
        const blocked = new Set(this.blocked);
        if (event.blocked) blocked.add(event.user_id);
        else blocked.delete(event.user_id);
        this.blocked = blocked;
        break;
      }
      case "request_received":
      case "request_answered":
      case "other":
        return;
    }
    this.touch();
  }

  // Readings over HTTP

  /** Begin to read: what happens from now on is done again to what is read. */
  beginReading(): Reading {
    this.readings += 1;
    return { epoch: this.epoch, from: this.log.length };
  }

  /**
   * End a reading and put in what was read. Return false, and put nothing in, where it is out of
   * date: the conversations were begun anew meanwhile. Call it once for every `beginReading`, with
   * null after a failure.
   */
  endReading(reading: Reading, putIn: (() => void) | null): boolean {
    const isCurrent = reading.epoch === this.epoch;
    if (putIn !== null && isCurrent) {
      putIn();
      for (const entry of this.log.slice(reading.from)) {
        this.conversations.get(entry.conversation_id)?.replay(entry);
      }
      this.touch();
    }
    this.readings -= 1;
    if (this.readings === 0) this.log = [];
    return isCurrent;
  }

  /** `asked`: the ids that were asked for; those of nobody are missing. */
  putUsers(users: readonly UserSummary[], asked: readonly UserId[] = []): void {
    const found = new Set(users.map((user) => user.user_id));
    const missing = asked.filter((id) => !found.has(id) && !this.missing.has(id));
    if (missing.length > 0) {
      this.missing = new Set([...this.missing, ...missing]);
      this.touch();
    }
    const changed = users.filter((user) => !isSame(this.users.get(user.user_id), user));
    if (changed.length === 0) return;
    const all = new Map(this.users);
    for (const user of changed) all.set(user.user_id, user);
    this.users = all;
    this.touch();
  }

  /** Say whether a user is online. Deleted users never are, whatever was last said of them. */
  isOnline(id: UserId): boolean {
    return this.online.has(id) && !this.users.get(id)?.deleted;
  }

  setListRead(): void {
    this.listRead = true;
    this.touch();
  }

  // What is on its way

  putOutgoing(message: OutgoingMessage): void {
    this.outgoing = new Map(this.outgoing).set(message.client_id, message);
    this.touch();
  }

  dropOutgoing(clientId: ClientId): void {
    if (!this.outgoing.has(clientId)) return;
    const left = new Map(this.outgoing);
    left.delete(clientId);
    this.outgoing = left;
    this.touch();
  }

  outgoingTo(place: PlaceKey): OutgoingMessage[] {
    return [...this.outgoing.values()].filter((message) => placeKey(message.target) === place);
  }

  /** Raise one's own mark before the server has confirmed it. */
  readUpTo(id: ConversationId, index: number): void {
    this.conversation(id).seen();
    const mark = { user_id: this.selfId, read_index: index, delivered_index: index };
    this.conversation(id).raise([mark]);
    this.touch();
  }

  // Reading the store

  /** Return a conversation; one that is heard of for the first time is empty. */
  conversation(id: ConversationId): Conversation {
    let conversation = this.conversations.get(id);
    if (conversation === undefined) {
      conversation = new Conversation(id, this.selfId);
      this.conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Return the conversation at a place; undefined where there is none yet. */
  at(place: PlaceKey): Conversation | undefined {
    const id = place.slice(2);
    if (place.startsWith("r:")) return this.conversations.get(id);
    for (const conversation of this.conversations.values()) {
      if (conversation.kind === "private" && conversation.peerId === id) return conversation;
    }
    return undefined;
  }

  private stopTyping(id: ConversationId, userId: UserId): void {
    const writers = this.typing.get(id);
    if (!writers?.has(userId)) return;
    const left = new Map(writers);
    left.delete(userId);
    this.typing = new Map(this.typing).set(id, left);
  }

  private forgetTyping(): void {
    const now = this.now();
    const typing = new Map<ConversationId, ReadonlyMap<UserId, number>>();
    for (const [id, writers] of this.typing) {
      const left = [...writers].filter(([, until]) => until > now);
      if (left.length > 0) typing.set(id, new Map(left));
    }
    this.typing = typing;
    this.touch();
  }

  private touch(): void {
    this.version += 1;
    if (this.notifyTimer !== null || this.listeners.size === 0) return;
    const wait = Math.max(0, this.notifiedAt + FRAME_MS - this.now());
    this.notifyTimer = setTimeout(() => {
      this.notifyTimer = null;
      this.notifiedAt = this.now();
      for (const listener of this.listeners) listener();
    }, wait);
  }
}

function isSame(old: UserSummary | undefined, now: UserSummary): boolean {
  return old !== undefined && JSON.stringify(old) === JSON.stringify(now);
}
