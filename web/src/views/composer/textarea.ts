// Changes of a textarea that its own undo knows of.

import type { Edit } from "./editing";

const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

/** Replace a part of the text as if it were typed; the caret stands behind it. */
export function replace(box: HTMLTextAreaElement, from: number, to: number, insert: string): void {
  box.focus();
  box.setSelectionRange(from, to);
  // Deprecated, and the only way that keeps undo.
  const isDone = document.execCommand(insert === "" ? "delete" : "insertText", false, insert);
  if (isDone) return;
  box.setRangeText(insert, from, to, "end");
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

export function make(box: HTMLTextAreaElement, { from, to, insert, start, end }: Edit): void {
  replace(box, from, to, insert);
  box.setSelectionRange(start, end);
}

/** Make it as high as its text, in browsers that do not by themselves. */
export function fit(box: HTMLTextAreaElement): void {
  if (GROWS_BY_ITSELF) return;
  box.style.blockSize = "auto";
  box.style.blockSize = `${box.scrollHeight + 2}px`;
}
