// Made by scripts/emoji_data.mjs.

declare module "virtual:emoji-data" {
  /** Text, label, names and tags (with spaces between), group; in the usual order. */
  const rows: readonly (readonly [string, string, string, string, number])[];
  export default rows;
}
