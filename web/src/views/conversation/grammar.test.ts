import fc from "fast-check";
import { describe, expect, it } from "vitest";
import mentions from "../../../../tests/conformance/mentions.json";
import vectors from "../../../../tests/conformance/message_text.json";
import { mentionedName, parseMessage, textOf, type Block, type Inline } from "./markdown";

function shortInline(inline: Inline): string {
  switch (inline.kind) {
    case "text":
      return inline.text;
    case "break":
      return "⏎";
    case "code":
      return `\`${inline.text}\``;
    case "mention":
      return `@{${inline.text.slice(1)}}`;
    case "link":
      return `<${inline.href}|${short(inline.children)}>`;
    case "strong":
      return `**${short(inline.children)}**`;
    case "em":
      return `*${short(inline.children)}*`;
    case "del":
      return `~~${short(inline.children)}~~`;
  }
}

function short(inlines: readonly Inline[]): string {
  return inlines.map(shortInline).join("");
}

function shortBlock(block: Block): string {
  const within = (blocks: readonly Block[]): string => `[${blocks.map(shortBlock).join(" | ")}]`;
  switch (block.kind) {
    case "paragraph":
      return `p: ${short(block.children)}`;
    case "heading":
      return `h: ${short(block.children)}`;
    case "code":
      return `code${block.language === "" ? "" : `(${block.language})`}: ${block.text}`;
    case "quote":
      return `quote: ${within(block.children)}`;
    case "list":
      return `list: ${block.items.map((item) => `${item.number ?? ""}${within(item.children)}`).join(" ")}`;
    case "table":
      return `table: ${block.rows.map((row) => row.map(short).join(",")).join(";")}`;
  }
}

function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}

/** Return whatever a block shows, in order. */
function shown(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case "paragraph":
        case "heading":
          return block.children.map(textOf).join("");
        case "code":
          return block.language + block.text;
        case "quote":
          return shown(block.children);
        case "list":
          return block.items.map((item) => `${item.number ?? ""}${shown(item.children)}`).join("");
        case "table":
          return block.rows.flat(2).map(textOf).join("");
      }
    })
    .join("");
}

function isEmpty(block: Block): boolean {
  switch (block.kind) {
    case "paragraph":
    case "heading":
      return block.children.length === 0;
    case "code":
      return block.text === "";
    case "quote":
      return block.children.length === 0 || block.children.some(isEmpty);
    case "list":
      return block.items.some((item) => item.children.length === 0 || item.children.some(isEmpty));
    case "table":
      return block.rows.length === 0;
  }
}

function mentionsOf(blocks: readonly Block[], names: ReadonlySet<string>): string[] {
  const ofInlines = (inlines: readonly Inline[]): string[] =>
    inlines.flatMap((inline) => {
      if ("children" in inline) return ofInlines(inline.children);
      const name = inline.kind === "mention" ? mentionedName(inline.text, names) : null;
      return name === null ? [] : [name.normalize("NFKC").toLowerCase()];
    });
  return blocks.flatMap((block) => {
    switch (block.kind) {
      case "code":
        return [];
      case "paragraph":
      case "heading":
        return ofInlines(block.children);
      case "quote":
        return mentionsOf(block.children, names);
      case "list":
        return block.items.flatMap((item) => mentionsOf(item.children, names));
      case "table":
        return block.rows.flat().flatMap(ofInlines);
    }
  });
}

describe("whom a message mentions", () => {
  it.each(mentions.cases)("$text", ({ text, names, mentioned }) => {
    expect([...new Set(mentionsOf(parseMessage(text), new Set(names)))]).toEqual(mentioned);
  });
});

describe("what a message means", () => {
  it.each(vectors.cases)("$text", ({ text, blocks }) => {
    expect(parseMessage(text).map(shortBlock)).toEqual(blocks);
  });

  const scraps = ["a", "b2", " ", "\n", "    ", "*", "**", "_", "~~", "`", "```", "> ", "- ", "+", "#", "1.", "\\", "@ada", "|", "语", "\n\n", "```py\n", "["];
  const texts = fc.array(fc.constantFrom(...scraps), { maxLength: 40 }).map((parts) => parts.join(""));

  it("shows every letter and digit, in order", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(lettersOf(shown(parseMessage(text)))).toBe(lettersOf(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("shows no empty block", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const blocks = parseMessage(text);
        expect(blocks.some(isEmpty)).toBe(false);
        expect(blocks.length > 0).toBe(text.trim() !== "");
      }),
      { numRuns: 2_000 },
    );
  });
});
