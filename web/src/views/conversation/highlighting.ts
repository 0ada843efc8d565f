// Which parts of a code are keywords, strings and so on. Load it with import(): it is large, and few
// messages hold code.

import type { Element, ElementContent } from "hast";
import { common, createLowlight } from "lowlight";

/** A piece of code: text, and what it is; null for nothing in particular. */
export interface Piece {
  readonly kind: Kind | null;
  readonly text: string;
}

export type Kind = "comment" | "keyword" | "name" | "number" | "string" | "added" | "removed";

const lowlight = createLowlight(common);

const KINDS: Readonly<Record<string, Kind>> = {
  addition: "added",
  deletion: "removed",
  comment: "comment",
  quote: "comment",
  doctag: "comment",
  keyword: "keyword",
  literal: "keyword",
  type: "keyword",
  "selector-tag": "keyword",
  "template-tag": "keyword",
  operator: "keyword",
  number: "number",
  symbol: "number",
  bullet: "number",
  string: "string",
  regexp: "string",
  char: "string",
  link: "string",
  title: "name",
  section: "name",
  name: "name",
  tag: "name",
  attr: "name",
  attribute: "name",
  built_in: "name",
  meta: "name",
  property: "name",
  "selector-class": "name",
  "selector-id": "name",
};

/** Return the pieces of a code, which together are the whole of it; null for unknown languages. */
export function highlight(text: string, language: string): readonly Piece[] | null {
  if (!lowlight.registered(language)) return null;
  const pieces: Piece[] = [];
  const walk = (nodes: readonly ElementContent[], kind: Kind | null) => {
    for (const node of nodes) {
      if (node.type === "text") pieces.push({ kind, text: node.value });
      else if (node.type === "element") walk(node.children, kindOf(node) ?? kind);
    }
  };
  walk(lowlight.highlight(language, text).children as ElementContent[], null);
  return pieces;
}

function kindOf(node: Element): Kind | null {
  const names = node.properties["className"];
  const name = Array.isArray(names) ? String(names[0]).replace(/^hljs-/, "") : "";
  return KINDS[name] ?? null;
}
