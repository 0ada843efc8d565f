// Looks for mentions among what was written while this browser was away: the list tells only the
// last message of a conversation.

import type { Store } from "../store/store";
import type { Loader } from "./loader";

// Who was away for long sees the marks of the rooms at the top; the others come when opened.
const MOST = 10;

/** Read the newest messages of the rooms with unread ones, one after another. */
export async function readUnread(store: Store, loader: Pick<Loader, "newest">): Promise<void> {
  const rooms = [...store.conversations.values()]
    .filter(({ kind, inside, listed, unread }) => kind === "room" && inside && listed && unread > 1)
    .filter((room) => (room.run(room.messageIndex)?.from ?? Infinity) > room.readIndex + 1)
    .toSorted((one, two) => two.lastActivityAt.localeCompare(one.lastActivityAt))
    .slice(0, MOST);
  for (const { id } of rooms) await loader.newest(id);
}
