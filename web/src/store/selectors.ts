// What views show, computed from the store. Pure; the same state gives the same references.

import type { Role, RoomSettings } from "../protocol/events";
import type { ConversationId, MessageId, UserId } from "../protocol/ids";
import type { Conversation, Departure, Mark, Notice } from "./conversation";
import type { Message } from "./message";
import type { OutgoingMessage, PlaceKey } from "./outgoing";
import type { Store } from "./store";

/** A conversation as a list shows it. */
export interface ConversationSummary {
  readonly id: ConversationId;
  readonly place: PlaceKey;
  readonly kind: "room" | "private";
  /** Empty for a private chat: show the name of `peerId`. */
  readonly name: string;
  readonly peerId: UserId;
  readonly unread: number;
  /** Who added the user, until the user has looked; empty for nobody. */
  readonly addedBy: UserId;
  /** Whether nothing else is unread. */
  readonly onlyAdded: boolean;
  /** Whether an unread message names the user, as far as the messages are held. */
  readonly mentioned: boolean;
  readonly messageIndex: number;
  readonly readIndex: number;
  readonly lastMessage: Message | null;
  readonly lastActivityAt: string;
}

/** A conversation as its own view shows it. */
export interface ConversationDetails extends ConversationSummary {
  /** False after leaving: it can be read, not written to. */
  readonly inside: boolean;
  readonly departure: Departure | null;
  /** Whether earlier messages are hidden from the user. */
  readonly hidesEarlier: boolean;
  /** Null until the room has been read (`loader.room`). */
  readonly settings: RoomSettings | null;
  readonly members: ReadonlyMap<UserId, Role> | null;
  /** How many there are, also where not all were read (`loader.members`); 0 if not known. */
  readonly size: number;
  /** Null until the pins have been read (`loader.pins`). */
  readonly pins: ReadonlySet<MessageId> | null;
  /** How far each member has read and received, by message index (`loader.marks`). */
  readonly marks: ReadonlyMap<UserId, Mark>;
  /** One's own role in a room, once known. */
  readonly role: Role | null;
}

export type TimelineItem =
  | { readonly kind: "message"; readonly key: string; readonly message: Message }
  | { readonly kind: "notice"; readonly key: string; readonly notice: Notice }
  | { readonly kind: "outgoing"; readonly key: string; readonly outgoing: OutgoingMessage };

/** A part of a conversation without a hole. */
export interface Timeline {
  readonly items: readonly TimelineItem[];
  /** The indexes of the first and last message that are held here; 0 where there are none. */
  readonly from: number;
  readonly to: number;
  /** Whether there is more before, or after; it is read with `loader.older` and `loader.newer`. */
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** Whether nothing is held although there is something: read it first. */
  readonly isMissing: boolean;
}

const summaries = new WeakMap<Conversation, { version: number; value: ConversationDetails }>();

/** Return what is known of a conversation. */
export function detailsOf(conversation: Conversation, selfId: UserId): ConversationDetails {
  const kept = summaries.get(conversation);
  if (kept?.version === conversation.version) return kept.value;
  const { id, kind, name, peerId, unread, messageIndex, readIndex, lastActivityAt } = conversation;
  const { addedBy, onlyAdded, inside, departure, hidesEarlier, mentioned, settings, members, size, pins, marks } = conversation;
  const value: ConversationDetails = {
    id,
    place: kind === "room" ? `r:${id}` : `u:${peerId}`,
    kind,
    name,
    peerId,
    unread,
    addedBy,
    onlyAdded,
    mentioned,
    messageIndex,
    readIndex,
    lastMessage: conversation.lastMessage ?? null,
    lastActivityAt,
    inside,
    departure,
    hidesEarlier,
    settings,
    members,
    size,
    pins,
    marks,
    role: members?.get(selfId) ?? null,
  };
  summaries.set(conversation, { version: conversation.version, value });
  return value;
}

const lists = new WeakMap<Store, readonly ConversationSummary[]>();

/** Return the conversations that the user is in, newest activity first. */
export function listOf(store: Store): readonly ConversationSummary[] {
  const now = [...store.conversations.values()]
    .filter((conversation) => conversation.inside && conversation.listed)
    .map((conversation) => detailsOf(conversation, store.selfId))
    .toSorted(
      (one, two) =>
        two.lastActivityAt.localeCompare(one.lastActivityAt) || one.id.localeCompare(two.id),
    );
  const kept = lists.get(store);
  if (kept !== undefined && isSame(kept, now)) return kept;
  lists.set(store, now);
  return now;
}

/** Return how many messages are unread, in all conversations but the muted. */
export function unreadOf(store: Store, muted: ReadonlySet<ConversationId>): number {
  let unread = 0;
  for (const conversation of store.conversations.values()) {
    if (!muted.has(conversation.id)) unread += conversation.unread;
  }
  return unread;
}

const NONE: readonly UserId[] = [];
const writers = new WeakMap<object, readonly UserId[]>();

/** Return who is writing. */
export function writersIn(store: Store, id: ConversationId): readonly UserId[] {
  const typing = store.typing.get(id);
  if (typing === undefined || typing.size === 0) return NONE;
  let kept = writers.get(typing);
  if (kept === undefined) {
    kept = [...typing.keys()];
    writers.set(typing, kept);
  }
  return kept;
}

const EMPTY: Timeline = {
  items: [],
  from: 0,
  to: 0,
  hasOlder: false,
  hasNewer: false,
  isMissing: false,
};

/** Makes the timeline of one place, again only where something in it has changed. */
export class TimelineSelector {
  private version = -1;
  private outgoing: Store["outgoing"] | null = null;
  private conversation: Conversation | undefined;
  private value = EMPTY;
  private readonly store: Store;
  private readonly place: PlaceKey;
  private readonly anchor: number | null;
  private readonly rows = new Map<string, TimelineItem>();

  /** `anchor`: the index of a message; the part that holds it is shown. Null: the newest part. */
  constructor(store: Store, place: PlaceKey, anchor: number | null) {
    this.store = store;
    this.place = place;
    this.anchor = anchor;
  }

  readonly select = (): Timeline => {
    const conversation = this.store.at(this.place);
    const version = conversation?.version ?? -1;
    if (
      conversation !== this.conversation ||
      version !== this.version ||
      this.store.outgoing !== this.outgoing
    ) {
      this.conversation = conversation;
      this.version = version;
      this.outgoing = this.store.outgoing;
      this.value = this.compute(conversation);
    }
    return this.value;
  };

  private compute(conversation: Conversation | undefined): Timeline {
    const waiting = this.store.outgoingTo(this.place).map((outgoing) =>
      this.row({ kind: "outgoing", key: outgoing.client_id, outgoing }),
    );
    if (conversation === undefined) return { ...EMPTY, items: waiting };
    const newest = conversation.messageIndex;
    const run = conversation.run(this.anchor ?? newest);
    if (run === null) {
      const isEmpty = newest < (conversation.firstIndex ?? 0);
      const notices = isEmpty ? conversation.noticesWithin(0, newest) : [];
      const items = [...notices.map((notice) => this.noticeRow(notice)), ...waiting];
      return { ...EMPTY, items, isMissing: !isEmpty || !conversation.listed };
    }
    const hasOlder = run.from !== conversation.firstIndex;
    const hasNewer = run.to < newest;
    const notices = conversation.noticesWithin(hasOlder ? run.from : 0, run.to);
    const items: TimelineItem[] = [];
    let next = 0;
    const noticesBefore = (index: number) => {
      for (let notice = notices[next]; notice && notice.message_index < index; ) {
        items.push(this.noticeRow(notice));
        notice = notices[++next];
      }
    };
    for (let index = run.from; index <= run.to; index += 1) {
      noticesBefore(index);
      const message = conversation.at(index);
      if (message !== undefined) items.push(this.messageRow(message));
    }
    noticesBefore(Number.POSITIVE_INFINITY);
    if (!hasNewer) items.push(...waiting);
    return { items, from: run.from, to: run.to, hasOlder, hasNewer, isMissing: false };
  }

  private messageRow(message: Message): TimelineItem {
    // One's own keeps the key that it had on its way.
    const key = message.sender_id === this.store.selfId ? message.client_id : message.id;
    return this.row({ kind: "message", key, message });
  }

  private noticeRow(notice: Notice): TimelineItem {
    return this.row({ kind: "notice", key: notice.id, notice });
  }

  /** Return the row of before where it shows the same. */
  private row(now: TimelineItem): TimelineItem {
    const kept = this.rows.get(now.key);
    if (kept !== undefined && contentOf(kept) === contentOf(now)) return kept;
    this.rows.set(now.key, now);
    return now;
  }
}

function contentOf(item: TimelineItem): object {
  if (item.kind === "message") return item.message;
  return item.kind === "notice" ? item.notice : item.outgoing;
}

function isSame<T>(one: readonly T[], two: readonly T[]): boolean {
  return one.length === two.length && one.every((each, at) => each === two[at]);
}

