// The day that it is, for views that say "Today": they follow midnight.

import { useSyncExternalStore } from "react";
import { Cell } from "../store/cell";

const LOOK_MS = 30_000;

const today = new Cell(new Date().toDateString());
setInterval(() => today.set(new Date().toDateString()), LOOK_MS);

/** Return today; the view is rendered again when it has become another day. */
export function useToday(): string {
  return useSyncExternalStore(today.subscribe, today.get);
}
