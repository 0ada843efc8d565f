import type { MessageId, UserId } from "../../protocol/ids";
import type { Conversation } from "../../store/conversation";

/** Return the newest message of a user that is held and can be changed; null where none is. */
export function lastOwn(conversation: Conversation | undefined, userId: UserId): MessageId | null {
  if (conversation === undefined) return null;
  const run = conversation.run(conversation.messageIndex);
  for (let index = run?.to ?? 0; run !== null && index >= run.from; index -= 1) {
    const message = conversation.at(index);
    if (message?.sender_id === userId && !message.deleted) return message.id;
  }
  return null;
}
