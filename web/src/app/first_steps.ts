// What is asked of the sidebar from elsewhere.

import { Cell } from "../store/cell";

export type Step = "find" | "room";

/** The last thing asked for; a new object asks again. */
export const asked = new Cell<{ readonly step: Step } | null>(null);

/** Put the cursor into the search, or begin a room. */
export function begin(step: Step): void {
  asked.set({ step });
}
