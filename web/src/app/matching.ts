// Finds people and conversations by what is typed: by any word of a name, without regard to case and
// accents. Pure.

/** Return a text for comparing: without case and accents, the same however it was typed. */
export function folded(text: string): string {
  const bare = text.normalize("NFKD").replace(/(?=\p{M})\p{Diacritic}/gu, "");
  // Upper case first: ß is SS then, and both forms of a sigma are one.
  return bare.toUpperCase().toLowerCase().replaceAll("ς", "σ");
}

/** Return what is looked for by a text: an `@` before a name and spaces around it say nothing. */
export function wantedBy(text: string): string {
  return text.replaceAll("@", " ").trim().replace(/\s+/g, " ");
}

/**
 * Return the things whose title holds every word of `text`, those first whose title begins with
 * it, then those in which each word begins one; otherwise in the order given.
 */
export function matching<T>(
  things: readonly T[],
  title: (thing: T) => string,
  text: string,
): readonly T[] {
  const wanted = folded(wantedBy(text));
  if (wanted === "") return [];
  const ranked = things.flatMap((thing) => {
    const rank = rankOf(folded(title(thing)), wanted);
    return rank === null ? [] : [{ thing, rank }];
  });
  return ranked.toSorted((one, two) => one.rank - two.rank).map(({ thing }) => thing);
}

/** Say whether each word of `text` begins a word of a title. */
export function beginsWords(title: string, text: string): boolean {
  const parts = wordsOf(folded(title));
  return folded(wantedBy(text))
    .split(" ")
    .every((word) => parts.some((part) => part.startsWith(word)));
}

function rankOf(title: string, wanted: string): number | null {
  if (title.startsWith(wanted)) return 0;
  const words = wanted.split(" ");
  const parts = wordsOf(title);
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return 1;
  if (words.every((word) => title.includes(word))) return 2;
  // Spaces are where one puts them: "Mary Ann" is found by "maryann".
  return parts.join("").includes(words.join("")) ? 3 : null;
}

function wordsOf(title: string): readonly string[] {
  return title.split(/[^\p{L}\p{M}\p{N}]+/u);
}
