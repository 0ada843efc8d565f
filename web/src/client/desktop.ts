// The browser's notifications, and which tabs are looked at.

import type { Desktop, Told } from "./notifications";

const LOCK = "chatterroom.watched";

/** Return the browser's notifications. They need a secure origin, as do its locks. */
export function browserDesktop(): Desktop {
  return {
    permission: () => ("Notification" in window ? Notification.permission : null),
    ask: () => Notification.requestPermission(),
    isWatched,
    show: ({ title, body, icon, tag }: Told, onClick) => {
      const shown = new Notification(title, { body, icon, tag });
      shown.onclick = () => {
        window.focus();
        shown.close();
        onClick();
      };
      return () => shown.close();
    },
  };
}

/** Let the other tabs know, for as long as this one is visible. Return how to end that. */
export function tellWatched(): () => void {
  const locks = navigator.locks;
  if (locks === undefined) return () => undefined;
  let leave: AbortController | null = null;
  const follow = () => {
    if (document.visibilityState === "visible") {
      if (leave !== null) return;
      const held = new AbortController();
      leave = held;
      const until = new Promise<void>((resolve) => {
        held.signal.addEventListener("abort", () => resolve());
      });
      locks.request(LOCK, { mode: "shared" }, () => until).catch(() => undefined);
    } else {
      leave?.abort();
      leave = null;
    }
  };
  follow();
  document.addEventListener("visibilitychange", follow);
  return () => {
    document.removeEventListener("visibilitychange", follow);
    leave?.abort();
  };
}

async function isWatched(): Promise<boolean> {
  if (document.visibilityState === "visible") return true;
  const state = await navigator.locks?.query();
  return state?.held?.some((lock) => lock.name === LOCK) ?? false;
}
