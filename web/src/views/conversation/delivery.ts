// How far one's own messages have come. Pure.

import type { Conversation } from "../../store/conversation";
import type { UserId } from "../../protocol/ids";

export interface Delivery {
  readonly readers: readonly UserId[];
  /** Those who have received and not read it. */
  readonly receivers: readonly UserId[];
}

/** Return who else has read and received the message with an index. */
export function deliveryOf(conversation: Conversation, index: number, authorId: UserId): Delivery {
  const readers: UserId[] = [];
  const receivers: UserId[] = [];
  for (const [userId, { read, delivered, joined }] of conversation.marks) {
    if (userId === authorId || conversation.members?.has(userId) === false) continue;
    // It was written before they came.
    if (joined >= index) continue;
    if (read >= index) readers.push(userId);
    else if (delivered >= index) receivers.push(userId);
  }
  return { readers, receivers };
}
