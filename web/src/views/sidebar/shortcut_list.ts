import type { Combination } from "../../app/shortcuts";

export const SHORTCUTS = {
  search: "Mod+K",
  previous: "Alt+ArrowUp",
  next: "Alt+ArrowDown",
  previousUnread: "Alt+Shift+ArrowUp",
  nextUnread: "Alt+Shift+ArrowDown",
  help: "?",
  helpAnywhere: "Mod+/",
} as const satisfies Record<string, Combination>;
