// A message as the client holds it, and what entries do to it. Pure, and harmless when repeated.

import type { MessageChange, MessageEvent, Reaction } from "../protocol/events";
import type { ClientId, ConversationId, MessageId, UserId } from "../protocol/ids";
import type { HistoryMessage } from "../session/api";

/** Replaced, never changed: equal references mean that nothing has happened to it. */
export interface Message {
  readonly id: MessageId;
  readonly conversation_id: ConversationId;
  readonly seq: number;
  readonly message_index: number;
  readonly sender_id: UserId;
  readonly client_id: ClientId;
  readonly created_at: string;
  /** When the text was changed last, where `edited`. */
  readonly updated_at: string;
  /** Empty where deleted. */
  readonly message: string;
  readonly reply_to: MessageId | null;
  readonly mentions: readonly UserId[];
  /** How the text names them, folded, in the same order. */
  readonly mention_names: readonly string[];
  readonly reactions: readonly Reaction[];
  readonly pinned: boolean;
  readonly edited: boolean;
  readonly deleted: boolean;
}

/** Return the message that an event or a history tells of. */
export function messageOf(told: HistoryMessage | MessageEvent): Message {
  return {
    id: told.id,
    conversation_id: told.conversation_id,
    seq: told.seq,
    message_index: told.message_index,
    sender_id: told.sender_id,
    client_id: told.client_id,
    created_at: told.created_at,
    updated_at: told.updated_at,
    message: told.message,
    reply_to: told.reply_to ?? null,
    mentions: told.mentions ?? [],
    mention_names: told.mention_names ?? [],
    reactions: told.reactions ?? [],
    pinned: told.pinned ?? false,
    edited: told.edited ?? false,
    deleted: told.deleted ?? false,
  };
}

/** Return the message after a change; the same one where nothing changes. */
export function changed(message: Message, change: MessageChange): Message {
  if (message.deleted) return message;
  switch (change.type) {
    case "message_edited":
      return {
        ...message,
        message: change.message,
        mentions: change.mentions ?? [],
        mention_names: change.mention_names ?? [],
        edited: true,
        updated_at: change.created_at,
      };
    case "message_deleted":
      return {
        ...message,
        message: "",
        mentions: [],
        mention_names: [],
        reactions: [],
        pinned: false,
        edited: false,
        deleted: true,
      };
    case "reaction_added":
      return withReactions(message, reacted(message.reactions, change.emoji, change.sender_id));
    case "reaction_removed":
      return withReactions(message, takenBack(message.reactions, change.emoji, change.sender_id));
    case "message_pinned":
      return message.pinned ? message : { ...message, pinned: true };
    case "message_unpinned":
      return message.pinned ? { ...message, pinned: false } : message;
  }
}

function withReactions(message: Message, reactions: readonly Reaction[]): Message {
  return reactions === message.reactions ? message : { ...message, reactions };
}

function reacted(reactions: readonly Reaction[], emoji: string, userId: UserId) {
  const old = reactions.find((reaction) => reaction.emoji === emoji);
  if (old === undefined) return [...reactions, { emoji, user_ids: [userId] }];
  if (old.user_ids.includes(userId)) return reactions;
  const now = { emoji, user_ids: [...old.user_ids, userId] };
  return reactions.map((reaction) => (reaction === old ? now : reaction));
}

function takenBack(reactions: readonly Reaction[], emoji: string, userId: UserId) {
  const old = reactions.find((reaction) => reaction.emoji === emoji);
  if (old === undefined || !old.user_ids.includes(userId)) return reactions;
  const left = old.user_ids.filter((id) => id !== userId);
  if (left.length === 0) return reactions.filter((reaction) => reaction !== old);
  return reactions.map((reaction) => (reaction === old ? { emoji, user_ids: left } : reaction));
}
