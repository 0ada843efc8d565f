// Makes `virtual:emoji-data` at build time: of emojibase-data only what is shown and searched, a
// quarter of the whole.

import { createRequire } from "node:module";

const NAME = "virtual:emoji-data";
const RESOLVED = `\0${NAME}`;
// Skin tones and the like, no emoji of their own.
const COMPONENTS = 2;

/** @returns {import("vite").Plugin} */
export function emojiData() {
  return {
    name: "emoji-data",
    resolveId: (id) => (id === NAME ? RESOLVED : null),
    load: (id) => (id === RESOLVED ? moduleText() : null),
  };
}

function moduleText() {
  const require = createRequire(import.meta.url);
  const names = require("emojibase-data/en/shortcodes/github.json");
  const rows = require("emojibase-data/en/compact.json")
    .filter(({ group }) => group !== undefined && group !== COMPONENTS)
    .toSorted((one, two) => one.order - two.order)
    .map(({ hexcode, unicode, label, tags, group }) => [
      qualified(unicode),
      label,
      [names[hexcode] ?? nameOf(label)].flat().join(" "),
      (tags ?? []).join(" "),
      group,
    ]);
  // A string is parsed faster than a literal.
  return `export default JSON.parse(${JSON.stringify(JSON.stringify(rows))});`;
}

// As keyboards write it, so that the same reaction is the same text.
function qualified(text) {
  return text.replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
}

function nameOf(label) {
  return label.toLowerCase().replace(/[^a-z0-9]+/g, "_");
}
