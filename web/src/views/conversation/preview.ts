const CHARACTERS = 160;

/** Return a text on one line, without the signs that only shape it. */
export function previewOf(text: string): string {
  const line = text
    .slice(0, CHARACTERS * 4)
    .replace(/```\w*/g, "")
    .replace(/^(?:#{1,6}|>|[-*+]|\d+\.)\s+/gm, "")
    .replace(/(\*\*|__|~~|`)(\S(?:.*?\S)?)\1/g, "$2")
    .replace(/(?<![\w*])([*_])(?![\s*_])([^*_]*[^\s*_])\1(?![\w*])/g, "$2")
    .replace(/!?\[([^\]]+)\]\([^)\s]*\)/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
  return [...line].slice(0, CHARACTERS).join("");
}
