// What is known of one conversation, and what entries do to it. No time, no network.

import type {
  Entry,
  MessageChange,
  MessageDeleted,
  MessageEvent,
  Role,
  RoomChange,
  RoomSettings,
} from "../protocol/events";
import { isPrivate, placeOf, type ConversationId, type MessageId, type UserId } from "../protocol/ids";
import type { HistoryMessage, ListedConversation, MemberMarks, RoomDetails } from "../session/api";
import { changed, messageOf, type Message } from "./message";
import { runAt, withNumber, type Run } from "./runs";

/** An entry that is shown between messages. */
export type Notice = RoomChange;

export interface Mark {
  readonly read: number;
  readonly delivered: number;
  /** How many messages there were when the member came. */
  readonly joined: number;
}

/** What is kept of a conversation for the next page. Plain data. */
export interface KeptConversation {
  readonly id: ConversationId;
  readonly name: string;
  readonly peerId: UserId;
  readonly lastActivityAt: string;
  readonly messageIndex: number;
  readonly readIndex: number;
  readonly deliveredIndex: number;
  readonly addedBy: UserId;
  readonly deletedUnread: number;
  readonly firstIndex: number | null;
  /** The newest, without a hole. */
  readonly messages: readonly Message[];
  readonly notices: readonly Notice[];
}

export type Departure = "left" | "removed";

const NEW_ROOM_SETTINGS: RoomSettings = {
  adding: "members",
  posting: "members",
  history: "everything",
};

// Of the unread messages, so many of the newest are looked through for mentions.
const MENTIONS_WITHIN = 500;

/**
 * Every change raises `version`. Messages that are held are always up to date: entries that
 * change them are never missed, and a page that is read later does not replace them.
 */
export class Conversation {
  readonly id: ConversationId;
  readonly kind: "room" | "private";
  version = 0;
  /** Whether the list has told of it: its name, and how many messages it has. */
  listed = false;
  /** Whether the user is in it. */
  inside = true;
  /** How the user came out of it, if that was seen. */
  departure: Departure | null = null;
  name = "";
  /** The other user of a private chat. */
  peerId: UserId = "";
  lastActivityAt = "";
  /** The number of its messages, which is the index of the newest. */
  messageIndex = 0;
  readIndex = 0;
  deliveredIndex = 0;
  /** Who added the user, until the user has looked: that is unread, too. Empty for nobody. */
  addedBy: UserId = "";
  /** How many messages after `readIndex` do not count as unread: they were deleted. */
  private deletedUnread = 0;
  /** Deletions up to this entry are part of `deletedUnread`. */
  private deletedUpTo = 0;
  /** The index of the oldest message that may be read, once that is known. */
  firstIndex: number | null = null;
  runs: readonly Run[] = [];
  settings: RoomSettings | null = null;
  members: ReadonlyMap<UserId, Role> | null = null;
  /** Where the members begin that were not read yet: "" if there are none, null if none were read. */
  furtherMembers: string | null = null;
  /** As it was when the room was read. */
  private memberCount = 0;
  pins: ReadonlySet<MessageId> | null = null;
  marks: ReadonlyMap<UserId, Mark> = new Map();
  private readonly messages = new Map<number, Message>();
  private readonly indexes = new Map<number, number>();
  private readonly notices = new Map<number, Notice>();
  private readonly selfId: UserId;

  constructor(id: ConversationId, selfId: UserId) {
    this.id = id;
    this.selfId = selfId;
    this.kind = isPrivate(id) ? "private" : "room";
  }

  get unread(): number {
    if (!this.inside) return 0;
    return this.unreadMessages || (this.addedBy === "" ? 0 : 1);
  }

  /** Whether nothing is unread but that somebody has added the user. */
  get onlyAdded(): boolean {
    return this.addedBy !== "" && this.unreadMessages === 0;
  }

  private get unreadMessages(): number {
    return Math.max(0, this.messageIndex - this.readIndex - this.deletedUnread);
  }

  /** Whether an unread message that is held names the user. */
  get mentioned(): boolean {
    if (!this.inside) return false;
    const oldest = Math.max(this.readIndex, this.messageIndex - MENTIONS_WITHIN);
    for (let index = this.messageIndex; index > oldest; index -= 1) {
      if (this.messages.get(index)?.mentions.includes(this.selfId)) return true;
    }
    return false;
  }

  /** Return a message that is held. */
  at(index: number): Message | undefined {
    return this.messages.get(index);
  }

  /** Return a message that is held, by its id. */
  message(id: MessageId): Message | undefined {
    const index = this.indexes.get(placeOf(id).seq);
    return index === undefined ? undefined : this.messages.get(index);
  }

  /** Return the index of the message at `seq`, where it is held. */
  indexAt(seq: number): number | null {
    return this.indexes.get(seq) ?? null;
  }

  get lastMessage(): Message | undefined {
    return this.messages.get(this.messageIndex);
  }

  run(index: number): Run | null {
    return runAt(this.runs, index);
  }

  /** Return what happened to the room behind the messages `from` to `to`, in order. */
  noticesWithin(from: number, to: number): Notice[] {
    return [...this.notices.values()]
      .filter((notice) => from <= notice.message_index && notice.message_index <= to)
      .toSorted((one, two) => one.seq - two.seq);
  }

  /** Forget what may be out of date. */
  reset(): void {
    this.messages.clear();
    this.indexes.clear();
    this.notices.clear();
    this.runs = [];
    this.firstIndex = null;
    this.settings = this.members = this.pins = this.furtherMembers = null;
    this.listed = false;
    this.inside = true;
    this.departure = null;
    this.version += 1;
  }

  /** Return what the next page needs to show it; of the messages the newest `count` at most. */
  keep(count: number): KeptConversation {
    const { id, name, peerId, lastActivityAt, messageIndex, readIndex, deliveredIndex, firstIndex } = this;
    const { addedBy, deletedUnread } = this;
    const to = messageIndex;
    const from = Math.max(this.run(to)?.from ?? to + 1, to - count + 1);
    const messages: Message[] = [];
    for (let index = from; index <= to; index += 1) {
      const message = this.messages.get(index);
      if (message !== undefined) messages.push(message);
    }
    return {
      ...{ id, name, peerId, lastActivityAt, messageIndex, readIndex, deliveredIndex, firstIndex },
      ...{ addedBy, deletedUnread },
      messages,
      notices: this.noticesWithin(from - 1, to),
    };
  }

  /** Begin with what an earlier page has kept. */
  restore(kept: KeptConversation): void {
    this.name = kept.name;
    this.peerId = kept.peerId;
    this.lastActivityAt = kept.lastActivityAt;
    this.messageIndex = kept.messageIndex;
    this.raiseOwn(kept.readIndex, kept.deliveredIndex);
    this.addedBy = kept.addedBy;
    this.deletedUnread = kept.deletedUnread;
    this.firstIndex = kept.firstIndex;
    for (const message of kept.messages) this.holdOne(message);
    for (const notice of kept.notices) this.notices.set(notice.seq, notice);
    this.listed = true;
    this.version += 1;
  }

  /** Take an entry that comes for the first time. */
  apply(entry: Entry): void {
    this.messageIndex = Math.max(this.messageIndex, entry.message_index);
    if (this.moves(entry)) this.lastActivityAt = entry.created_at;
    if (entry.type === "message") this.applyMessage(entry);
    else if (isRoomChange(entry)) this.applyRoomChange(entry);
    this.replay(entry);
  }

  /** Do again what an entry does to what was read meanwhile. */
  replay(entry: Entry): void {
    if (entry.type === "message_deleted") this.countDeletion(entry);
    if (isMessageChange(entry)) this.changeMessage(entry);
    else if (isRoomChange(entry)) this.changeRoom(entry);
    this.version += 1;
  }

  /** Hold messages of a history; those that are held already stay as they are. */
  hold(messages: readonly HistoryMessage[]): void {
    for (const told of messages) this.holdOne(messageOf(told));
    this.version += 1;
  }

  /** Hold what happened between messages of a history; it has happened to what is held already. */
  holdNotices(entries: readonly Entry[]): void {
    for (const entry of entries) if (isRoomChange(entry)) this.notices.set(entry.seq, entry);
    this.version += 1;
  }

  /** The message is the oldest that may be read. */
  beginsWith(index: number): void {
    this.firstIndex = index;
    this.version += 1;
  }

  /** Nothing could be read: what may be read begins with what has come since, or is still to come. */
  beginsAfterHidden(): void {
    this.beginsWith(this.run(this.messageIndex)?.from ?? this.messageIndex + 1);
  }

  /** Whether there are messages that may not be read: they are from before the user's time. */
  get hidesEarlier(): boolean {
    return this.firstIndex !== null && this.firstIndex > 1;
  }

  list(told: ListedConversation): void {
    this.listed = true;
    this.name = told.room_name;
    this.peerId = told.peer_id;
    if (told.last_activity_at > this.lastActivityAt) this.lastActivityAt = told.last_activity_at;
    this.messageIndex = Math.max(this.messageIndex, told.message_index);
    this.raiseOwn(told.read_index, told.delivered_index);
    // What was read since is not known to what was told.
    if (this.readIndex === told.read_index) {
      this.addedBy = told.added_by ?? "";
      const unread = told.message_index - told.read_index;
      // Where none of the messages counts, that the user was added does.
      this.deletedUnread = Math.max(0, unread - (told.unread ?? unread));
    }
    this.deletedUpTo = told.seq;
    if (told.last_message !== null) this.holdOne(messageOf(told.last_message));
    this.version += 1;
  }

  /** Take a page of members, which began at `cursor`. What is known of the others stays. */
  detail(room: RoomDetails, cursor = ""): void {
    this.name = room.room_name;
    this.settings = room.settings;
    const isWhole = cursor === "" && room.next_cursor === "";
    const members = new Map(isWhole ? [] : this.members);
    for (const member of room.members) members.set(member.user_id, member.role);
    members.set(this.selfId, room.role);
    this.members = members;
    this.memberCount = room.member_count;
    // A first page that is read again takes nothing back.
    if (cursor !== "" || isWhole || this.furtherMembers === null) this.furtherMembers = room.next_cursor;
    this.version += 1;
  }

  /** How many members a room has; 0 while it is not known. */
  get size(): number {
    const known = this.members?.size ?? 0;
    return this.furtherMembers ? Math.max(known, this.memberCount) : known;
  }

  pin(messages: readonly HistoryMessage[]): void {
    this.pins = new Set(messages.map((message) => message.id));
    this.hold(messages);
  }

  /** Marks only rise. */
  raise(marks: readonly MemberMarks[]): void {
    const all = new Map(this.marks);
    for (const { user_id, read_index, delivered_index, joined_index } of marks) {
      const old = all.get(user_id) ?? { read: 0, delivered: 0, joined: 0 };
      const read = Math.max(old.read, read_index);
      const joined = Math.max(old.joined, joined_index ?? 0);
      all.set(user_id, { read, delivered: Math.max(old.delivered, delivered_index, read), joined });
      if (user_id === this.selfId) this.raiseOwn(read_index, delivered_index);
    }
    this.marks = all;
    this.version += 1;
  }

  /** The user has looked. */
  seen(): void {
    this.addedBy = "";
    this.version += 1;
  }

  /** A message that is deleted is not unread any more. */
  private countDeletion(entry: MessageDeleted): void {
    if (entry.seq <= this.deletedUpTo) return;
    this.deletedUpTo = entry.seq;
    const index = entry.deleted_index ?? this.indexAt(placeOf(entry.message_id).seq) ?? 0;
    if (index > this.readIndex) this.deletedUnread += 1;
  }

  private raiseOwn(read: number, delivered: number): void {
    if (read > this.readIndex) {
      this.deletedUnread = 0;
      for (let index = read + 1; index <= this.messageIndex; index += 1) {
        if (this.messages.get(index)?.deleted) this.deletedUnread += 1;
      }
    }
    this.readIndex = Math.max(this.readIndex, read);
    this.deliveredIndex = Math.max(this.deliveredIndex, delivered, this.readIndex);
  }

  /** Whether an entry brings the conversation forward in the list, as the platform orders it. */
  private moves(entry: Entry): boolean {
    const isOwn = (entry.type === "member_added" && entry.user_id === this.selfId) || entry.type === "room_created";
    return (entry.type === "message" || isOwn) && entry.created_at > this.lastActivityAt;
  }

  private applyMessage(event: MessageEvent): void {
    this.holdOne(messageOf(event));
    const { sender_id, receiver_id, message_index: index } = event;
    if (this.kind === "private" && this.peerId === "") {
      this.peerId = sender_id === this.selfId ? (receiver_id ?? "") : sender_id;
    }
    if (sender_id === this.selfId) this.addedBy = "";
    // What somebody writes counts as read by them without a mark being told.
    this.raise([{ user_id: sender_id, read_index: index, delivered_index: index }]);
  }

  private holdOne(message: Message): void {
    const index = message.message_index;
    if (this.messages.has(index)) return;
    this.messages.set(index, message);
    this.indexes.set(message.seq, index);
    this.runs = withNumber(this.runs, index);
    this.messageIndex = Math.max(this.messageIndex, index);
    // In a room something may have happened before it.
    if (index === 1 && this.kind === "private") this.firstIndex = 1;
  }

  private changeMessage(change: MessageChange): void {
    const index = this.indexes.get(placeOf(change.message_id).seq);
    const message = index === undefined ? undefined : this.messages.get(index);
    if (index !== undefined && message !== undefined) {
      this.messages.set(index, changed(message, change));
    }
    if (this.pins === null) return;
    const pins = new Set(this.pins);
    if (change.type === "message_pinned") pins.add(change.message_id);
    if (change.type === "message_unpinned" || change.type === "message_deleted") {
      pins.delete(change.message_id);
    }
    this.pins = pins;
  }

  private applyRoomChange(change: RoomChange): void {
    if ("user_id" in change && change.user_id === this.selfId) {
      if (change.type === "member_added" && !this.inside) {
        // What happened to the messages meanwhile was not told.
        this.reset();
      }
      if (change.type === "member_left" || change.type === "member_removed") {
        this.inside = false;
        this.departure = change.type === "member_left" ? "left" : "removed";
      }
    }
    if (change.type === "room_created") this.firstIndex ??= 1;
    this.noteJoining(change);
    this.notices.set(change.seq, change);
  }

  /** Who comes in has read nothing of what was there before. */
  private noteJoining(change: RoomChange): void {
    const { type, sender_id, message_index } = change;
    if (type !== "member_added" && type !== "room_created") return;
    const came = type === "member_added" ? [change.user_id] : change.members_ids;
    const nothing = { read_index: 0, delivered_index: 0, joined_index: message_index };
    if (message_index > 0) this.raise(came.map((user_id) => ({ user_id, ...nothing })));
    if (came.includes(this.selfId) && sender_id !== this.selfId) {
      this.addedBy = sender_id;
      this.raiseOwn(message_index, message_index);
    }
  }

  private changeRoom(change: RoomChange): void {
    switch (change.type) {
      case "room_created":
        this.name = change.room_name;
        this.settings ??= NEW_ROOM_SETTINGS;
        this.members ??= new Map([
          ...change.members_ids.map((id): [UserId, Role] => [id, "member"]),
          [change.sender_id, "owner"],
        ]);
        return;
      case "room_updated":
        this.name = change.room_name ?? this.name;
        if (this.settings !== null) this.settings = change.settings ?? this.settings;
        return;
      case "member_added":
        if (!this.members?.has(change.user_id)) this.setRoles([[change.user_id, "member"]]);
        return;
      case "member_left":
        this.setRoles([
          [change.user_id, null],
          ...(change.new_owner_id == null ? [] : [[change.new_owner_id, "owner"] as const]),
        ]);
        return;
      case "member_removed":
        this.setRoles([[change.user_id, null]]);
        return;
      case "role_changed":
        this.setRoles([
          [change.user_id, change.role],
          ...(change.role === "owner" ? [[change.sender_id, "admin"] as const] : []),
        ]);
    }
  }

  /** Give roles; null takes a member out. Without a list of members there is nothing to change. */
  private setRoles(roles: readonly (readonly [UserId, Role | null])[]): void {
    if (this.members === null) return;
    const members = new Map(this.members);
    for (const [userId, role] of roles) {
      if (role === null) members.delete(userId);
      else members.set(userId, role);
    }
    this.members = members;
  }
}

const MESSAGE_CHANGES: ReadonlySet<Entry["type"]> = new Set([
  "message_edited",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
  "message_pinned",
  "message_unpinned",
]);

const ROOM_CHANGES: ReadonlySet<Entry["type"]> = new Set([
  "room_created",
  "room_updated",
  "member_added",
  "member_left",
  "member_removed",
  "role_changed",
]);

function isMessageChange(entry: Entry): entry is MessageChange {
  return MESSAGE_CHANGES.has(entry.type);
}

function isRoomChange(entry: Entry): entry is RoomChange {
  return ROOM_CHANGES.has(entry.type);
}
