// Ids as the protocol writes them. Pure.

export type UserId = string;
export type RoomId = string;
export type ConversationId = string;
export type MessageId = string;
export type ClientId = string;

const ID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const SEQ = /^[0-9]{12}$/;

/** Say whether a text can be the id of a user or a room. What comes from an address need not be. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/** Say whether a text can be the id of a message of a conversation. */
export function isMessageOf(conversationId: ConversationId, text: string): boolean {
  return text.startsWith(`${conversationId}-`) && SEQ.test(text.slice(conversationId.length + 1));
}

/** Say whether a conversation is a private chat rather than a room. */
export function isPrivate(conversationId: ConversationId): boolean {
  return conversationId.startsWith("p");
}

/** Return the conversation and the seq that a message's id names. */
export function placeOf(messageId: MessageId): { conversationId: ConversationId; seq: number } {
  const at = messageId.lastIndexOf("-");
  return { conversationId: messageId.slice(0, at), seq: Number(messageId.slice(at + 1)) };
}

/** Return the id of the message at `seq`. */
export function messageIdAt(conversationId: ConversationId, seq: number): MessageId {
  return `${conversationId}-${String(seq).padStart(12, "0")}`;
}

/** Return a new client id: 128 random bits. `crypto.randomUUID` would need a secure origin. */
export function newClientId(): ClientId {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
