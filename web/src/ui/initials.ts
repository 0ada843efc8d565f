const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Return the first letters of the first and the last word of a name; of one word the first. */
export function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d'’]*/gu) ?? [];
  const [first, last] = [words[0], words.at(-1)];
  if (first === undefined || last === undefined) return letterOf(name);
  return words.length === 1 ? letterOf(first) : letterOf(first) + letterOf(last);
}

/** The first letter as people see it: an emoji of several signs is one. */
function letterOf(word: string): string {
  const [first] = SEGMENTER.segment(word.trim());
  return first?.segment.toUpperCase() ?? "";
}
