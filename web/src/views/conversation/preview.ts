import { parseMessage, textOf, type Block } from "./markdown";

const CHARACTERS = 160;

/** Return a text on one line, without the signs that only shape it. */
export function previewOf(text: string): string {
  const line = parseMessage(text.slice(0, CHARACTERS * 4)).map(lineOf).join(" ");
  return [...line.replace(/\s+/g, " ").trim()].slice(0, CHARACTERS).join("");
}

function lineOf(block: Block): string {
  switch (block.kind) {
    case "paragraph":
    case "heading":
      return block.children.map(textOf).join("");
    case "code":
      return block.text;
    case "quote":
      return block.children.map(lineOf).join(" ");
    case "list":
      return block.items.flatMap((item) => item.children.map(lineOf)).join(" ");
    case "table":
      return block.rows.flat().map((cell) => cell.map(textOf).join("")).join(" ");
  }
}
