// Where a mention begins. The chat service finds them by the same rule: tests/conformance/mentions.json.

/** Scripts that are written without spaces, and so touch what stands beside them. */
export const WITHOUT_SPACES =
  "\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}";

/** What stands before the `@`, as part of a regular expression: an address or a path is no mention. */
export const MENTION_BEGINS = `(?:(?<=[${WITHOUT_SPACES}])|(?<![\\p{L}\\p{N}.+@/-])(?<![\\p{L}\\p{N}]_+))`;
