// The client's own paths. The gateway answers each of them with the page.

import type { PlaceKey } from "../store/outgoing";
import { isId, type MessageId } from "../protocol/ids";

export const PATHS = {
  home: "/",
  logIn: "/login",
  register: "/register",
  room: "/r/:id",
  private: "/u/:id",
  requests: "/requests",
  settings: "/settings/:page?",
} as const;

/** Return the path of a room or a private chat, at a message of it where one is given. */
export function pathOf(place: PlaceKey, messageId?: MessageId): string {
  const path = `/${place.charAt(0)}/${place.slice(2)}`;
  return messageId === undefined ? path : `${path}?at=${messageId}`;
}

export function roomPlace(id: string): PlaceKey {
  return `r:${id}`;
}

export function privatePlace(userId: string): PlaceKey {
  return `u:${userId}`;
}

/** Return the place that a path shows; null if it shows none, or names what cannot exist. */
export function placeAt(path: string): PlaceKey | null {
  const found = /^\/([ru])\/([^/?]+)$/.exec(path);
  return found === null || !isId(found[2] ?? "") ? null : (`${found[1]}:${found[2]}` as PlaceKey);
}
