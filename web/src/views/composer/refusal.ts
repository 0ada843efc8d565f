// Why one may not write somewhere. Pure.

import type { UserId } from "../../protocol/ids";
import type { ConversationDetails } from "../../store/selectors";

export interface Refusal {
  readonly text: string;
  /** Whether one's own messages may be changed all the same. */
  readonly mayEdit: boolean;
  /** Whom to unblock, where that would end it. */
  readonly blocked: UserId | null;
}

export interface Peer {
  readonly userId: UserId;
  readonly name: string;
  readonly isBlocked: boolean;
  readonly isDeleted: boolean;
}

/** Return why; null where one may. `peer`: of a private chat. What is not known yet is no reason. */
export function refusalOf(
  conversation: Pick<ConversationDetails, "inside" | "settings" | "role"> | null,
  peer: Peer | null,
): Refusal | null {
  if (peer !== null) {
    if (peer.isDeleted) return no("This account was deleted.");
    if (!peer.isBlocked) return null;
    return { text: `You blocked ${peer.name}.`, mayEdit: false, blocked: peer.userId };
  }
  if (conversation === null) return null;
  const { inside, settings, role } = conversation;
  if (!inside) return no("You're no longer in this room.");
  if (settings?.posting !== "admins" || role !== "member") return null;
  return { text: "Only admins can post in this room.", mayEdit: true, blocked: null };
}

function no(text: string): Refusal {
  return { text, mayEdit: false, blocked: null };
}
