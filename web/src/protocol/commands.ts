// What the client says on a `chatterroom.v1` socket.

import type { ConversationId, MessageId, RoomId, UserId } from "./ids";
import type { Role, RoomSettings } from "./events";

/** Where a message goes: a room, or a user. */
export type Target = { readonly room_id: RoomId } | { readonly receiver_id: UserId };

export interface Commands {
  send: Target & { message: string; reply_to?: MessageId };
  edit: { message_id: MessageId; message: string };
  delete: { message_id: MessageId };
  react: { message_id: MessageId; emoji: string; remove?: boolean };
  pin: { message_id: MessageId; remove?: boolean };
  update_room: { room_id: RoomId; room_name?: string; settings?: Partial<RoomSettings> };
  add_member: { room_id: RoomId; user_id: UserId };
  remove_member: { room_id: RoomId; user_id: UserId };
  leave_room: { room_id: RoomId };
  change_role: { room_id: RoomId; user_id: UserId; role: Role };
  mark: { conversation_id: ConversationId; read?: number; delivered?: number };
  typing: { conversation_id: ConversationId };
  watch_presence: { user_ids: readonly UserId[] };
  ping: Record<never, never>;
}

/** Commands that append an entry: they take a `client_id`, and repeating them does no harm. */
export type Appending = Exclude<keyof Commands, "mark" | "typing" | "watch_presence" | "ping">;

/** Return the conversation whose order a command keeps to, as far as the command tells. */
export function laneOf(fields: Readonly<Record<string, unknown>>): string | null {
  const { receiver_id, message_id, conversation_id, room_id } = fields;
  if (typeof receiver_id === "string") return `u:${receiver_id}`;
  if (typeof message_id === "string") return message_id.slice(0, message_id.lastIndexOf("-"));
  if (typeof conversation_id === "string") return conversation_id;
  return typeof room_id === "string" ? room_id : null;
}
