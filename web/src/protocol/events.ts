// What the server says on a `chatterroom.v1` socket, as docs/asyncapi.yaml describes it.

import type { ClientId, ConversationId, MessageId, RoomId, UserId } from "./ids";

export interface Reaction {
  readonly emoji: string;
  readonly user_ids: readonly UserId[];
}

export type Role = "member" | "admin" | "owner";

export interface RoomSettings {
  readonly adding: "members" | "admins";
  readonly posting: "members" | "admins";
  readonly history: "everything" | "since_joining";
}

/** What every entry of a conversation carries. */
export interface EntryBase {
  readonly id: string;
  readonly conversation_id: ConversationId;
  readonly seq: number;
  /** The messages up to and including this entry. */
  readonly message_index: number;
  readonly sender_id: UserId;
  readonly client_id: ClientId;
  readonly created_at: string;
  readonly room_id?: RoomId;
}

export interface MessageEvent extends EntryBase {
  readonly type: "message";
  readonly message: string;
  readonly updated_at: string;
  readonly receiver_id?: UserId;
  readonly reply_to?: MessageId | null;
  readonly mentions?: readonly UserId[];
  /** Their names as they were written, folded, in the same order. */
  readonly mention_names?: readonly string[];
  readonly reactions?: readonly Reaction[];
  readonly edited?: boolean;
  readonly pinned?: boolean;
  readonly deleted?: boolean;
}

export interface MessageEdited extends EntryBase {
  readonly type: "message_edited";
  readonly message_id: MessageId;
  readonly message: string;
  readonly mentions?: readonly UserId[];
  /** Their names as they were written, folded, in the same order. */
  readonly mention_names?: readonly string[];
}

export interface MessageDeleted extends EntryBase {
  readonly type: "message_deleted";
  readonly message_id: MessageId;
  /** Which message that was; not told by earlier versions. */
  readonly deleted_index?: number | null;
}

export interface ReactionChanged extends EntryBase {
  readonly type: "reaction_added" | "reaction_removed";
  readonly message_id: MessageId;
  readonly emoji: string;
}

export interface PinChanged extends EntryBase {
  readonly type: "message_pinned" | "message_unpinned";
  readonly message_id: MessageId;
}

export interface RoomCreated extends EntryBase {
  readonly type: "room_created";
  readonly room_name: string;
  readonly members_ids: readonly UserId[];
}

export interface RoomUpdated extends EntryBase {
  readonly type: "room_updated";
  // What did not change is null on sockets and left out of histories.
  readonly room_name?: string | null;
  readonly settings?: RoomSettings | null;
}

export interface MemberAdded extends EntryBase {
  readonly type: "member_added";
  readonly user_id: UserId;
}

export interface MemberLeft extends EntryBase {
  readonly type: "member_left";
  readonly user_id: UserId;
  readonly new_owner_id?: UserId | null;
}

export interface MemberRemoved extends EntryBase {
  readonly type: "member_removed";
  readonly user_id: UserId;
}

export interface RoleChanged extends EntryBase {
  readonly type: "role_changed";
  readonly user_id: UserId;
  readonly role: Role;
}

/** An entry of a type that this client does not know. It has a place all the same. */
export interface UnknownEntry extends EntryBase {
  readonly type: "unknown";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Entries that change a message which is already there. */
export type MessageChange = MessageEdited | MessageDeleted | ReactionChanged | PinChanged;

/** Entries that tell what happens to a room. */
export type RoomChange =
  | RoomCreated
  | RoomUpdated
  | MemberAdded
  | MemberLeft
  | MemberRemoved
  | RoleChanged;

export type Entry = MessageEvent | MessageChange | RoomChange | UnknownEntry;

export interface Head {
  readonly conversation_id: ConversationId;
  readonly seq: number;
  readonly joined_seq: number;
  readonly read_index: number;
  readonly delivered_index: number;
}

export interface Ready {
  readonly type: "ready";
  readonly user_id: UserId;
  readonly session_id: string;
  /** Whom the user has blocked. Older instances do not say. */
  readonly blocked?: readonly UserId[];
  readonly conversations: readonly Head[];
  /** Whether `conversations` events with more of them follow. */
  readonly has_more?: boolean;
}

export interface MoreConversations {
  readonly type: "conversations";
  readonly conversations: readonly Head[];
  readonly has_more: boolean;
}

export interface Resumed {
  readonly type: "resumed";
  readonly ref: string | null;
  readonly conversations: Readonly<Record<ConversationId, number>>;
  readonly unknown: readonly ConversationId[];
}

export interface Ack {
  readonly type: "ack";
  readonly ref: string | null;
  readonly client_id: ClientId;
  readonly id: string;
  readonly conversation_id: ConversationId;
  readonly seq: number;
  readonly message_index?: number;
  readonly created_at: string;
  readonly duplicate: boolean;
  /** Whom `add_member` names is no member yet, but invited. */
  readonly invited?: boolean;
}

export interface Marked {
  readonly type: "marked";
  readonly ref: string | null;
  readonly conversation_id: ConversationId;
  readonly read_index: number;
  readonly delivered_index: number;
  readonly unread: number;
}

export interface Refusal {
  readonly type: "error";
  readonly ref: string | null;
  readonly client_id?: ClientId | null;
  readonly code: string;
  readonly detail: string;
  readonly retry_after_s?: number;
}

export interface Pong {
  readonly type: "pong";
  readonly ref: string | null;
}

export interface MarksEvent {
  readonly type: "marks";
  readonly conversation_id: ConversationId;
  readonly marks: readonly {
    readonly user_id: UserId;
    readonly read_index: number;
    readonly delivered_index: number;
  }[];
}

export interface TypingEvent {
  readonly type: "typing";
  readonly conversation_id: ConversationId;
  readonly user_id: UserId;
}

export interface PresenceEvent {
  readonly type: "presence";
  readonly ref?: string | null;
  readonly users: readonly { readonly user_id: UserId; readonly online: boolean }[];
}

export interface GoingAway {
  readonly type: "going_away";
  readonly within_s: number;
}

/** One of the user's own devices has blocked somebody, or ended the block. */
export interface BlockEvent {
  readonly type: "block";
  readonly user_id: UserId;
  readonly blocked: boolean;
}

/** Somebody wants to write to the user, or to add them to a room. */
export interface RequestReceived {
  readonly type: "request_received";
  readonly kind: "message" | "room";
  readonly conversation_id: ConversationId;
  readonly user_id: UserId;
  readonly room_name: string;
  readonly created_at: string;
}

/** One of the user's own devices has answered a request. */
export interface RequestAnswered {
  readonly type: "request_answered";
  readonly kind: "message" | "room";
  readonly conversation_id: ConversationId;
  readonly accepted: boolean;
}

/** An event without a place, of a type that this client does not know. */
export interface Other {
  readonly type: "other";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Events of the moment: without a seq, told once or not at all. */
export type Passing =
  | MarksEvent
  | TypingEvent
  | PresenceEvent
  | BlockEvent
  | RequestReceived
  | RequestAnswered
  | Other;

export type Reply = Ack | Marked | PresenceEvent | Pong;

export type Frame =
  | Ready
  | MoreConversations
  | Resumed
  | Ack
  | Marked
  | Refusal
  | Pong
  | GoingAway
  | Passing
  | Entry;
