// Who may do what in a room, as docs/protocol.md says. Pure. What is not known yet is not offered.

import { matching, wantedBy } from "../../app/matching";
import type { Role, RoomSettings } from "../../protocol/events";
import type { UserId } from "../../protocol/ids";
import type { UserSummary } from "../../session/api";

export interface Room {
  readonly inside: boolean;
  readonly role: Role | null;
  readonly settings: RoomSettings | null;
}

function isAdmin({ inside, role }: Room): boolean {
  return inside && (role === "admin" || role === "owner");
}

/** Whether one may rename the room and change its settings. */
export function mayChange(room: Room): boolean {
  return isAdmin(room);
}

export function mayAdd(room: Room): boolean {
  return isAdmin(room) || (room.inside && room.role !== null && room.settings?.adding === "members");
}

/** Whether one may give another role to others, the owner's too. */
export function mayGiveRoles({ inside, role }: Room): boolean {
  return inside && role === "owner";
}

/** Whether one may remove somebody else who has `role`. */
export function mayRemove(room: Room, role: Role): boolean {
  return mayGiveRoles(room) || (isAdmin(room) && role === "member");
}

const RANKS: Readonly<Record<Role, number>> = { owner: 0, admin: 1, member: 2 };

export interface Member {
  readonly userId: UserId;
  readonly role: Role;
}

/**
 * Return the members whose name holds `text`, the owner first, then admins, each in the order of
 * names. Those whose names are not known come last, and are not found by a text.
 */
export function membersLike(
  members: ReadonlyMap<UserId, Role>,
  users: ReadonlyMap<UserId, UserSummary>,
  text: string,
): Member[] {
  const isForAll = wantedBy(text) === "";
  const found: (Member & { readonly name: string })[] = [];
  for (const [userId, role] of members) {
    const user = users.get(userId);
    const name = (user?.display_name || user?.username || "").toLowerCase();
    const isLike = matching([`${user?.display_name ?? ""} ${user?.username ?? ""}`.trim()], String, text).length > 0;
    if (isForAll || isLike) found.push({ userId, role, name });
  }
  return found
    .toSorted(
      (one, two) =>
        RANKS[one.role] - RANKS[two.role] ||
        Number(one.name === "") - Number(two.name === "") ||
        one.name.localeCompare(two.name),
    )
    .map(({ userId, role }) => ({ userId, role }));
}
