// Whom a few letters may mean. Pure.

import { beginsWords, folded } from "../../app/matching";
import type { UserId } from "../../protocol/ids";
import type { UserSummary } from "../../session/api";

/**
 * Return those of `ids` whose name fits, at most `limit`: first by the beginning of the username,
 * then by the beginning of a word of either name, each in the order of names. Who was
 * deleted is not found.
 */
export function rankedUsers(
  users: ReadonlyMap<UserId, UserSummary>,
  ids: ReadonlySet<UserId>,
  query: string,
  limit: number,
): readonly UserSummary[] {
  const wanted = folded(query);
  const first: UserSummary[] = [];
  const second: UserSummary[] = [];
  for (const id of ids) {
    const user = users.get(id);
    if (user === undefined || user.deleted) continue;
    if (folded(user.username).startsWith(wanted)) first.push(user);
    else if (beginsWords(`${user.display_name ?? ""} ${user.username}`, query)) second.push(user);
  }
  return [...first.toSorted(byName), ...second.toSorted(byName)].slice(0, limit);
}

function byName(one: UserSummary, two: UserSummary): number {
  return one.username.localeCompare(two.username);
}
