// Entries for tests, as the server would tell them.

import type { Head, MemberAdded, MemberRemoved, MessageEvent } from "../protocol/events";
import { messageIdAt } from "../protocol/ids";

export const SELF = "01self";
export const OTHER = "01other";
export const ROOM = "01room";

export function base(seq: number, sender_id = OTHER, conversation_id = ROOM) {
  return {
    id: messageIdAt(conversation_id, seq),
    conversation_id,
    seq,
    message_index: seq,
    sender_id,
    client_id: `client-${seq}`,
    created_at: new Date(Date.UTC(2026, 0, 1) + seq * 60_000).toISOString(),
    ...(conversation_id.startsWith("p") ? {} : { room_id: conversation_id }),
  };
}

/** Return a message; without another index, every entry before it was one, too. */
export function message(seq: number, sender_id = OTHER, index = seq): MessageEvent {
  const entry = base(seq, sender_id);
  return {
    ...entry,
    type: "message",
    message_index: index,
    message: `text ${seq}`,
    updated_at: entry.created_at,
  };
}

export function added(seq: number, user_id: string): MemberAdded {
  return { ...base(seq), type: "member_added", user_id };
}

export function removed(seq: number, user_id: string): MemberRemoved {
  return { ...base(seq), type: "member_removed", user_id };
}

export function head(seq: number, conversation_id = ROOM): Head {
  return { conversation_id, seq, joined_seq: 1, read_index: 0, delivered_index: 0 };
}
