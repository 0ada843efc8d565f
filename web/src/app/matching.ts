// Finds conversations by what is written into the search box. Pure.

/** Return a text for comparing: without case and accents. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
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
  const wanted = folded(text.trim());
  if (wanted === "") return [];
  const words = wanted.split(/\s+/);
  const ranked = things.flatMap((thing) => {
    const rank = rankOf(folded(title(thing)), wanted, words);
    return rank === null ? [] : [{ thing, rank }];
  });
  return ranked.toSorted((one, two) => one.rank - two.rank).map(({ thing }) => thing);
}

function rankOf(title: string, wanted: string, words: readonly string[]): number | null {
  if (title.startsWith(wanted)) return 0;
  if (!words.every((word) => title.includes(word))) return null;
  const parts = title.split(/[\s_.-]+/);
  return words.every((word) => parts.some((part) => part.startsWith(word))) ? 1 : 2;
}
