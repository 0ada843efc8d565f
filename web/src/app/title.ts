// The title and the icon of the tab: where one is, and how much is unread.

import { useEffect } from "react";
import { unreadOf } from "../store/selectors";
import type { PlaceKey } from "../store/outgoing";
import { useConversation, useStore, useUser } from "./hooks";
import { nameOf } from "./names";
import { useMuted } from "./preferences";
import { PATHS, placeAt } from "./routes";

const NAME = "ChatterRoom";

/** Return the title of a page, the number of unread messages first. */
export function titleText(page: string, unread: number): string {
  const count = unread === 0 ? "" : `(${unread > 999 ? "999+" : unread}) `;
  return count + (page === "" ? NAME : `${page} · ${NAME}`);
}

/** Keep title and icon up to date with a path, for who is logged in. */
export function useTitle(path: string): void {
  const muted = useMuted();
  const unread = useStore((store) => unreadOf(store, muted));
  const place = placeAt(path);
  const conversation = useConversation(place ?? ("r:" as PlaceKey));
  const user = useUser(place?.startsWith("u:") ? place.slice(2) : "");
  const name = place?.startsWith("u:") ? (user === null ? "" : nameOf(user)) : conversation?.name;
  const page = titleOfPage(path) ?? name ?? "";
  useEffect(() => {
    document.title = titleText(page, unread);
  }, [page, unread]);
  const isUnread = unread > 0;
  useEffect(() => {
    showIcon(isUnread ? "/icon-unread.svg" : "/icon.svg");
    return () => showIcon("/icon.svg");
  }, [isUnread]);
}

function titleOfPage(path: string): string | null {
  if (path.startsWith("/settings")) return "Settings";
  return path === PATHS.requests ? "Requests" : null;
}

/** Set the title of a page for nobody in particular. */
export function usePageTitle(page: string): void {
  useEffect(() => {
    document.title = titleText(page, 0);
  }, [page]);
}

function showIcon(path: string): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (link !== null && link.getAttribute("href") !== path) link.setAttribute("href", path);
}
