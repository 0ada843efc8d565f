// What a reaction may be, and its one spelling. The chat service has the same rule:
// tests/conformance/reactions.json.

const MAX_CHARACTERS = 32;
const SHORT_NAME = /^:[a-z0-9_+-]+:$/;
const PICTOGRAPH = "\\p{Extended_Pictographic}\\p{Emoji_Modifier}?";
const EMOJI = new RegExp(
  "^(?:\\p{Regional_Indicator}{2}|[0-9#*]\\u20E3" +
    "|\\u{1F3F4}[\\u{E0020}-\\u{E007E}]+\\u{E007F}" +
    `|${PICTOGRAPH}(?:\\u200D${PICTOGRAPH})*)$`,
  "u",
);
// Shown as text unless a selector follows (ED-18 of UTS 51).
const TEXT_BY_DEFAULT = /(?!\p{Emoji_Presentation})(\p{Emoji})(?!\p{Emoji_Modifier})/gu;

/** Return the one spelling of a reaction, or null for what is none. */
export function normalisedReaction(text: string): string | null {
  if ([...text].length > MAX_CHARACTERS) return null;
  if (SHORT_NAME.test(text)) return text;
  const bare = text.replace(/[\uFE0E\uFE0F]/g, "");
  return EMOJI.test(bare) ? bare.replace(TEXT_BY_DEFAULT, "$1\uFE0F") : null;
}

/** Whether two texts are one reaction, also one that an earlier version of the platform stored. */
export function isSameReaction(one: string, other: string): boolean {
  return one === other || (normalisedReaction(one) ?? one) === (normalisedReaction(other) ?? other);
}
