import type { ConversationSummary } from "../store/selectors";
import type { UserSummary } from "../session/api";
import type { UserId } from "../protocol/ids";

type Users = ReadonlyMap<UserId, UserSummary>;

/** Return the name to show for a user; an ellipsis while the profile is not known. */
export function nameOf(user: UserSummary | null | undefined): string {
  if (user?.deleted) return "Deleted user";
  return user?.display_name || user?.username || "…";
}

/** Return the name of a room, or of the other user of a private chat. */
export function titleOf({ kind, name, peerId }: ConversationSummary, users: Users): string {
  return kind === "room" ? name || "…" : nameOf(users.get(peerId));
}
