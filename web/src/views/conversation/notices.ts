// What happened to a room, in words. Pure.

import type { Notice } from "../../store/conversation";

const ROLES = { member: "a member", admin: "an admin", owner: "the owner" } as const;

/** Return a sentence; `who` has done it, to `whom`. Who reads it is called "You". */
export function noticeText(notice: Notice, who: string, whom: string): string {
  switch (notice.type) {
    case "room_created":
      return `${who} created the room “${notice.room_name}”`;
    case "room_updated":
      if (notice.room_name == null) return `${who} changed the room settings`;
      return `${who} renamed the room to “${notice.room_name}”`;
    case "member_added":
      return `${who} added ${object(whom)}`;
    case "member_left":
      return `${whom} left`;
    case "member_removed":
      return `${who} removed ${object(whom)}`;
    case "role_changed":
      return `${who} made ${object(whom)} ${ROLES[notice.role]}`;
  }
}

function object(whom: string): string {
  return whom === "You" ? "you" : whom;
}
