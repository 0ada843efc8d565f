// Emoji and how they are found. Load it with `loadEmoji`: few people need all of them at once.

export interface Emoji {
  /** The emoji itself. */
  readonly text: string;
  /** What it shows, in words. */
  readonly label: string;
  /** Short names without colons, as `:name:` is written; the first is the usual one. */
  readonly names: readonly string[];
  readonly tags: readonly string[];
  readonly group: number;
}

let loading: Promise<readonly Emoji[]> | null = null;

/** Return all emoji; they are read once. */
export function loadEmoji(): Promise<readonly Emoji[]> {
  loading ??= import("virtual:emoji-data").then(
    ({ default: rows }) =>
      rows.map(([text, label, names, tags, group]) => ({
        text,
        label,
        names: names.split(" "),
        tags: tags === "" ? [] : tags.split(" "),
        group,
      })),
    (error: unknown) => {
      // The next one tries again.
      loading = null;
      throw error;
    },
  );
  return loading;
}

/** Return what fits a few letters, best first: by name, by a part of it, by words about it. */
export function findEmoji(all: readonly Emoji[], text: string, limit: number): readonly Emoji[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const ranks: Emoji[][] = [[], [], [], [], []];
  for (const emoji of all) ranks[rankOf(emoji, wanted)]?.push(emoji);
  return ranks.flat().slice(0, limit);
}

const NOT_AT_ALL = -1;

function rankOf({ names, label, tags }: Emoji, wanted: string): number {
  if (names.includes(wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  if (names.some((name) => name.includes(`_${wanted}`))) return 2;
  if (` ${label.toLowerCase()}`.includes(` ${wanted}`)) return 3;
  if (tags.some((tag) => tag.startsWith(wanted))) return 4;
  return NOT_AT_ALL;
}

/** Return the emoji that is called so; null where none is. */
export function namedEmoji(all: readonly Emoji[], name: string): Emoji | null {
  return all.find(({ names }) => names.includes(name.toLowerCase())) ?? null;
}
