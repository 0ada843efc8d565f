// The keys that work everywhere. Each is shown in the help as it is written here.

import { useEffect, useEffectEvent } from "react";

/** Modifiers in any order and a key, such as `Mod+K`; `Mod` is Command on Apple's, else Control. */
export type Combination = string;

type Keys = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

export const IS_APPLE = /mac|iphone|ipad/i.test(globalThis.navigator?.platform ?? "");

/** Say whether exactly this combination is pressed. */
export function isPressed(event: Keys, combination: Combination, isApple = IS_APPLE): boolean {
  const parts = combination.split("+");
  const key = parts.pop() ?? "";
  const has = (name: string) => parts.includes(name);
  // A sign such as "?" may need Shift, or not, as the keyboard is laid out.
  const isSign = key.length === 1 && key.toLowerCase() === key.toUpperCase();
  return (
    event.key.toLowerCase() === key.toLowerCase() &&
    event.altKey === has("Alt") &&
    (isSign || event.shiftKey === has("Shift")) &&
    event.ctrlKey === (has("Mod") && !isApple) &&
    event.metaKey === (has("Mod") && isApple)
  );
}

const SIGNS: Record<string, string> = { ArrowUp: "↑", ArrowDown: "↓" };
const APPLE_SIGNS: Record<string, string> = { ...SIGNS, Mod: "⌘", Alt: "⌥", Shift: "⇧" };

/** Return the keys as people know them, one after another. */
export function keysOf(combination: Combination, isApple = IS_APPLE): string[] {
  const signs = isApple ? APPLE_SIGNS : { ...SIGNS, Mod: "Ctrl" };
  return combination.split("+").map((part) => signs[part] ?? part);
}

/** Do something on keys, wherever the focus is, unless a dialog is open. */
export function useShortcuts(actions: Readonly<Record<Combination, () => void>>): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const found = Object.entries(actions).find(([keys]) => isPressed(event, keys));
    if (found === undefined) return;
    // Keys that write something are left to where one writes.
    if (!found[0].includes("+") && isWriting(event.target)) return;
    event.preventDefault();
    found[1]();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}
