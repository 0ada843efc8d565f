// The day that it is, for views that say "Today": they follow midnight.

import { useSyncExternalStore } from "react";

const LOOK_MS = 30_000;

function subscribe(listener: () => void): () => void {
  const timer = setInterval(listener, LOOK_MS);
  return () => clearInterval(timer);
}

/** Return today; the view is rendered again when it has become another day. */
export function useToday(): string {
  return useSyncExternalStore(subscribe, () => new Date().toDateString());
}
