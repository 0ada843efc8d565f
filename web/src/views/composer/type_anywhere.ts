// What is typed while nothing takes it goes to the composer.

import { useEffect, type RefObject } from "react";
import { LOADING_DIALOG } from "../../ui/DialogBoundary";

/** Whoever has the focus in one of these uses the keys. */
const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=menu], [role=listbox], [popover], dialog";
const IN_FRONT = `dialog[open], [popover]:popover-open, ${LOADING_DIALOG}`;

export function useTypeAnywhere(box: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !isTyping(event)) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest(TAKES_KEYS) || document.querySelector(IN_FRONT)) return;
      // The letter itself goes to what has the focus after this.
      if (box.current?.checkVisibility()) box.current.focus();
    };
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, [box]);
}

function isTyping({ key, ctrlKey, metaKey, altKey, isComposing }: KeyboardEvent): boolean {
  const isPaste = (ctrlKey || metaKey) && !altKey && key.toLowerCase() === "v";
  if (isPaste) return getSelection()?.isCollapsed ?? true;
  // A space presses buttons and scrolls; "?" shows the keys.
  const isLetter = [...key].length === 1 && key !== " " && key !== "?";
  // "Process" and "Dead" begin a letter of several strokes. AltGr writes signs of its own.
  return (isLetter || isComposing || key === "Process" || key === "Dead") && !metaKey && ctrlKey === altKey;
}
