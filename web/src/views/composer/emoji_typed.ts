// `:name:` becomes an emoji as soon as its second colon is typed.

import { loadEmoji, namedEmoji } from "../../ui/emoji/emoji";
import { replace } from "./textarea";

/** Put an emoji in the place of `:name:`, which ends at the caret, where there is one. */
export async function closeEmoji(box: HTMLTextAreaElement, name: string): Promise<void> {
  const to = box.selectionStart;
  const written = `:${name}:`;
  const emoji = namedEmoji(await loadEmoji(), name);
  const from = to - written.length;
  if (emoji === null || box.value.slice(from, to) !== written) return;
  // It may have been loaded meanwhile, and typing went on.
  const behind = box.selectionStart - to;
  replace(box, from, to, emoji.text);
  const caret = from + emoji.text.length + behind;
  box.setSelectionRange(caret, caret);
}
