// What keys do to the text of a composer. Pure.

import { MENTION_BEGINS } from "../../protocol/mentions";

/** Something that is being typed and can be completed: `@ad`, `:smi`. */
export interface Token {
  readonly kind: "mention" | "emoji";
  /** Without the sign. */
  readonly query: string;
  /** Where the sign stands. */
  readonly from: number;
  /** Where the caret stands. */
  readonly to: number;
}

/** Replace `from` to `to` by `insert`, then select `start` to `end`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  readonly start: number;
  readonly end: number;
}

export const MAX_CHARACTERS = 8_000;
const SAID_FROM = 7_500;
const LONGEST_TOKEN = 40;

const MENTION = new RegExp(`${MENTION_BEGINS}@([\\p{L}\\p{M}\\p{N}_.-]{0,64})$`, "u");
const EMOJI = /(?<![\p{L}\p{N}_:]):([a-z0-9_+-]{2,32})$/iu;
const WHOLE_EMOJI = /(?<![\p{L}\p{N}_:]):([a-z0-9_+-]{1,32}):$/iu;

/** Return what is being typed before the caret; null where nothing of that kind is. */
export function tokenAt(text: string, caret: number): Token | null {
  const before = text.slice(Math.max(0, caret - LONGEST_TOKEN), caret);
  for (const [kind, pattern] of [["mention", MENTION], ["emoji", EMOJI]] as const) {
    const query = pattern.exec(before)?.[1];
    if (query !== undefined) return { kind, query, from: caret - query.length - 1, to: caret };
  }
  return null;
}

/** Return the name of an emoji whose closing colon stands before the caret. */
export function emojiClosedAt(text: string, caret: number): string | null {
  const before = text.slice(Math.max(0, caret - LONGEST_TOKEN), caret);
  return WHOLE_EMOJI.exec(before)?.[1] ?? null;
}

/** Put marks around a selection, or take them away where they are. */
export function toggled(text: string, start: number, end: number, mark: string): Edit {
  const around = text.slice(start, end);
  const from = start + (around.length - around.trimStart().length);
  const to = Math.max(from, start + around.trimEnd().length);
  const size = mark.length;
  const inside = text.slice(from, to);
  if (text.slice(from - size, from) === mark && text.slice(to, to + size) === mark && from >= size) {
    return {
      from: from - size,
      to: to + size,
      insert: inside,
      start: from - size,
      end: to - size,
    };
  }
  if (inside.length >= 2 * size && inside.startsWith(mark) && inside.endsWith(mark)) {
    const bare = inside.slice(size, inside.length - size);
    return { from, to, insert: bare, start: from, end: from + bare.length };
  }
  return { from, to, insert: mark + inside + mark, start: from + size, end: to + size };
}

/** Make a selection code: within a line by backticks, lines by a fence around them. */
export function toggledCode(text: string, start: number, end: number): Edit {
  const inside = text.slice(start, end);
  if (!inside.includes("\n")) return toggled(text, start, end, "`");
  const before = start === 0 || text[start - 1] === "\n" ? "" : "\n";
  const after = end === text.length || text[end] === "\n" ? "" : "\n";
  const open = `${before}\`\`\`\n`;
  const insert = `${open}${inside.replace(/\n$/, "")}\n\`\`\`${after}`;
  return { from: start, to: end, insert, start: start + open.length, end: start + insert.length - 4 - after.length };
}

/** Return how many characters there are, as the server counts; null while that is no concern. */
export function lengthNearLimit(text: string): number | null {
  // A character has at most two units, so that most texts need no counting.
  if (text.length < SAID_FROM) return null;
  const length = [...text].length;
  return length < SAID_FROM ? null : length;
}

/** Return a text as it is sent: without empty lines before it, and space behind it. */
export function trimmed(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
}

type Format = (text: string, start: number, end: number) => Edit;

/** What Ctrl and a letter do to a selection. */
export const FORMATS: Readonly<Record<string, Format>> = {
  b: (text, start, end) => toggled(text, start, end, "**"),
  i: (text, start, end) => toggled(text, start, end, "_"),
  e: toggledCode,
};
