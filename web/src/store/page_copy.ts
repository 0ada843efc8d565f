// What a page holds, as a copy that the next page begins with: shown at once after a reload, and
// brought up to date by resuming from where it ends. Pure.

import type { ConversationId } from "../protocol/ids";
import type { UserSummary } from "../session/api";
import type { KeptConversation } from "./conversation";
import type { Store } from "./store";

export interface PageCopy {
  /** Another version is not read. */
  readonly version: typeof VERSION;
  readonly users: readonly UserSummary[];
  readonly conversations: readonly (KeptConversation & { readonly seq: number })[];
}

const VERSION = 2;
/** Of the conversations at the top of the list so many messages are kept, of others the last. */
const WITH_MESSAGES = 20;
const MESSAGES = 40;
const CONVERSATIONS = 200;

/** Copy what is held of the newest conversations. `seqOf` says up to where it is held. */
export function copyOf(store: Store, seqOf: (id: ConversationId) => number): PageCopy {
  const newest = [...store.conversations.values()]
    .filter(({ id, inside, listed }) => inside && listed && seqOf(id) > 0)
    .toSorted((one, two) => two.lastActivityAt.localeCompare(one.lastActivityAt))
    .slice(0, CONVERSATIONS);
  const conversations = newest.map((each, at) => ({
    ...each.keep(at < WITH_MESSAGES ? MESSAGES : 1),
    seq: seqOf(each.id),
  }));
  const named = new Set([store.selfId]);
  for (const { peerId, messages } of conversations) {
    named.add(peerId);
    for (const { sender_id } of messages) named.add(sender_id);
  }
  const users = [...store.users.values()].filter(({ user_id }) => named.has(user_id));
  return { version: VERSION, users, conversations };
}

/** Return the copy that a text holds; null if it is none, or of another version. */
export function parseCopy(text: string | null): PageCopy | null {
  try {
    const copy = JSON.parse(text ?? "null") as PageCopy | null;
    return copy?.version === VERSION ? copy : null;
  } catch {
    return null;
  }
}

/** Fill an empty store; return up to where each conversation is held. */
export function restore(store: Store, copy: PageCopy): ReadonlyMap<ConversationId, number> {
  store.putUsers(copy.users);
  for (const kept of copy.conversations) store.conversation(kept.id).restore(kept);
  return new Map(copy.conversations.map(({ id, seq }) => [id, seq]));
}
