// Which conversations the list shows, and in what order. Pure.

import type { ConversationId } from "../../protocol/ids";
import type { ConversationSummary } from "../../store/selectors";

export interface Lists {
  readonly favourites: ReadonlySet<ConversationId>;
  /** Marked as unread by hand. */
  readonly unread: ReadonlySet<ConversationId>;
  /** Private chats that were closed: they come back with the next message. */
  readonly closed: ReadonlySet<ConversationId>;
}

/** Return the conversations to show, favourites first. The one that is open always shows. */
export function arrange(
  all: readonly ConversationSummary[],
  lists: Lists,
  isUnreadOnly: boolean,
  openPlace: string | null,
): readonly ConversationSummary[] {
  const shown = all.filter((each) => {
    if (each.place === openPlace) return true;
    if (lists.closed.has(each.id) && each.unread === 0) return false;
    return !isUnreadOnly || each.unread > 0 || lists.unread.has(each.id);
  });
  const isFavourite = ({ id }: ConversationSummary) => lists.favourites.has(id);
  return [...shown.filter(isFavourite), ...shown.filter((each) => !isFavourite(each))];
}
