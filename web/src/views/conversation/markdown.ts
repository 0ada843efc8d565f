// What the text of a message means. The result is plain data: nothing in it is HTML, and every link
// is one that may be followed. Pure.

import type { Token } from "markdown-it";
import { MENTION_BEGINS, WITHOUT_SPACES } from "../../protocol/mentions";
import { languageAndCode, safeHref, tokensOf } from "./grammar";

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "code"; readonly text: string }
  /** What follows an `@`: it begins with a name, if there is one of that name. */
  | { readonly kind: "mention"; readonly text: string }
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: "strong" | "em" | "del"; readonly children: readonly Inline[] };

export type Block =
  | { readonly kind: "paragraph" | "heading"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "list"; readonly ordered: boolean; readonly items: readonly Item[] }
  | { readonly kind: "table"; readonly rows: readonly (readonly (readonly Inline[])[])[] };

export interface Item {
  /** The number that was written, in ordered lists. */
  readonly number: number | null;
  /** Nothing but its mark was written, which is its text then. */
  readonly isBare: boolean;
  readonly children: readonly Block[];
}

const EMOJI =
  /^(?:(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\u{FE0F})[\p{EMod}\u{FE0F}]?(?:\u{200D}\p{Extended_Pictographic}[\p{EMod}\u{FE0F}]?)*\s*){1,6}$/u;
const TASK = /^\[([ xX])\](?=\s|$)/;
const REMEMBERED = 1_000;
const remembered = new Map<string, readonly Block[]>();

/** Return the blocks of a message. Never throws: what cannot be read is text. */
export function parseMessage(text: string): readonly Block[] {
  let blocks = remembered.get(text);
  if (blocks === undefined) {
    blocks = parse(text);
    // Rows come and go while one scrolls.
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(text, blocks);
  }
  return blocks;
}

/** Say whether a text is a few emoji and nothing else. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 64 && EMOJI.test(text.trim());
}

function parse(text: string): readonly Block[] {
  try {
    return new BlockReader(text, tokensOf(text)).read(null);
  } catch {
    return [paragraph([{ kind: "text", text }])];
  }
}

function paragraph(children: readonly Inline[]): Block {
  return { kind: "paragraph", children };
}

/** Turns the flat tokens of markdown-it into blocks, one container at a time. */
class BlockReader {
  private at = 0;
  private quotes = 0;
  private readonly written = new WeakSet<Block>();
  private readonly lines: readonly string[];
  private readonly tokens: readonly Token[];

  constructor(text: string, tokens: readonly Token[]) {
    this.lines = text.split(/\r\n?|\n/);
    this.tokens = tokens;
  }

  /** Read up to the token that closes `container`; without one, to the end. */
  read(closing: string | null): Block[] {
    const blocks: Block[] = [];
    for (let token = this.next(); token !== undefined && token.type !== closing; token = this.next()) {
      blocks.push(...this.block(token));
    }
    return blocks;
  }

  private next(): Token | undefined {
    return this.tokens[this.at++];
  }

  private block(token: Token): Block[] {
    switch (token.type) {
      case "paragraph_open":
        return splitAtCode(this.inlinesUpTo("paragraph_close"));
      case "heading_open": {
        const children = this.inlinesUpTo("heading_close");
        return children.length > 0 ? [{ kind: "heading", children }] : this.asWritten(token);
      }
      case "fence":
        return [{ kind: "code", ...languageAndCode(token.content) }];
      case "blockquote_open":
        return this.quote(token);
      case "bullet_list_open":
        return this.list(token, "bullet_list_close");
      case "ordered_list_open":
        return this.list(token, "ordered_list_close");
      case "table_open":
        return [this.table()];
      default:
        return this.asWritten(token);
    }
  }

  private inlinesUpTo(closing: string): Inline[] {
    const inlines: Inline[] = [];
    for (let token = this.next(); token !== undefined && token.type !== closing; token = this.next()) {
      inlines.push(...new InlineReader(token.children ?? []).read(null));
    }
    return inlines;
  }

  private quote(token: Token): Block[] {
    this.quotes += 1;
    const children = this.read("blockquote_close");
    this.quotes -= 1;
    return this.isEmpty(children) ? this.asWritten(token) : [{ kind: "quote", children }];
  }

  private list(token: Token, closing: string): Block[] {
    const items: Item[] = [];
    let isEmpty = true;
    for (let open = this.next(); open !== undefined && open.type !== closing; open = this.next()) {
      const children = this.read("list_item_close");
      const isBare = this.isEmpty(children);
      isEmpty &&= isBare;
      items.push({
        number: closing === "ordered_list_close" && !isBare ? Number(open.info) : null,
        isBare,
        children: isBare ? this.asWritten(open) : withTask(children),
      });
    }
    if (isEmpty) return this.asWritten(token);
    return [{ kind: "list", ordered: closing === "ordered_list_close", items }];
  }

  private table(): Block {
    const rows: Inline[][][] = [];
    for (let token = this.next(); token !== undefined && token.type !== "table_close"; token = this.next()) {
      if (token.type === "tr_open") rows.push([]);
      if (token.type === "inline") {
        rows.at(-1)?.push(new InlineReader(token.children ?? []).read(null));
      }
    }
    return { kind: "table", rows };
  }

  private isEmpty(children: readonly Block[]): boolean {
    return children.every((child) => this.written.has(child));
  }

  /** A block without content shows what was typed. */
  private asWritten(token: Token): Block[] {
    const [from, to] = token.map ?? [0, 0];
    const marks = new RegExp(`^(?:\\s*>){${this.quotes}}`);
    const text = this.lines.slice(from, to).map((line) => line.replace(marks, "").trim()).join("\n").trim();
    if (text === "") return [];
    const block = paragraph(linesOf(text));
    this.written.add(block);
    return [block];
  }
}

function linesOf(text: string): Inline[] {
  return text
    .split("\n")
    .flatMap((line, at): Inline[] => [...(at > 0 ? [{ kind: "break" as const }] : []), { kind: "text", text: line }]);
}

/** A task shows its box. */
function withTask(blocks: readonly Block[]): readonly Block[] {
  const [first, ...others] = blocks;
  if (first?.kind !== "paragraph") return blocks;
  const [start, ...rest] = first.children;
  const task = start?.kind === "text" ? TASK.exec(start.text) : null;
  if (start?.kind !== "text" || task === null) return blocks;
  const text = (task[1] === " " ? "☐" : "☑") + start.text.slice(3);
  return [paragraph([{ kind: "text", text }, ...rest]), ...others];
}

/** Code of several lines within a line is a block of its own. */
function splitAtCode(children: readonly Inline[]): Block[] {
  const blocks: Block[] = [];
  let line: Inline[] = [];
  const endLine = (): void => {
    const shown = trimBreaks(line);
    if (shown.length > 0) blocks.push(paragraph(shown));
    line = [];
  };
  for (const child of children) {
    if (child.kind === "code" && child.text.includes("\n")) {
      endLine();
      blocks.push({ kind: "code", ...languageAndCode(child.text) });
    } else line.push(child);
  }
  endLine();
  return blocks;
}

function trimBreaks(line: readonly Inline[]): readonly Inline[] {
  const isShown = ({ kind }: Inline): boolean => kind !== "break";
  const first = line.findIndex(isShown);
  return first < 0 ? [] : line.slice(first, line.findLastIndex(isShown) + 1);
}

/** Turns the tokens of one line of thought into inlines. */
class InlineReader {
  private at = 0;
  private isEscaped = false;
  private readonly tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  read(closing: string | null): Inline[] {
    const inlines: Inline[] = [];
    for (let token = this.next(); token !== undefined && token.type !== closing; token = this.next()) {
      for (const inline of this.inline(token)) {
        const last = inlines.at(-1);
        if (inline.kind === "text" && last?.kind === "text") {
          inlines[inlines.length - 1] = { kind: "text", text: last.text + inline.text };
        } else if (inline.kind !== "text" || inline.text !== "") inlines.push(inline);
      }
    }
    return inlines;
  }

  private next(): Token | undefined {
    return this.tokens[this.at++];
  }

  private inline(token: Token): Inline[] {
    const isEscaped = this.isEscaped;
    this.isEscaped = false;
    switch (token.type) {
      case "text":
        return isEscaped || !token.content.includes("@") ? linesOf(token.content) : mentionsIn(token.content);
      case "text_special":
        this.isEscaped = token.content === "@";
        return [{ kind: "text", text: token.content }];
      case "softbreak":
      case "hardbreak":
        return [{ kind: "break" }];
      case "code_inline":
        return [{ kind: "code", text: token.content }];
      case "strong_open":
        return [{ kind: "strong", children: this.read("strong_close") }];
      case "em_open":
        return [{ kind: "em", children: this.read("em_close") }];
      case "s_open":
        return [{ kind: "del", children: this.read("s_close") }];
      case "link_open":
        return this.link(token);
      case "image":
        return linkTo(String(token.attrGet("src")), [{ kind: "text", text: token.content }]);
      default:
        return [{ kind: "text", text: token.content }];
    }
  }

  private link(token: Token): Inline[] {
    const children = textOnly(this.read("link_close"));
    return linkTo(String(token.attrGet("href")), children, token.markup !== "");
  }
}

/** A link shows where it leads if its text names another place. `isBare`: the text is the address. */
function linkTo(address: string, children: readonly Inline[], isBare = false): Inline[] {
  const href = safeHref(address) ?? "";
  const text = children.map(textOf).join("");
  const shown = text.trim() === "" ? [{ kind: "text" as const, text: href }] : children;
  const link: Inline = { kind: "link", href, children: shown };
  const place = new URL(href).host || address.replace(/^mailto:/i, "");
  if (isBare || !looksLikeAddress(text) || namesPlace(text, place)) return [link];
  return [link, { kind: "text", text: ` (${place})` }];
}

function looksLikeAddress(text: string): boolean {
  return /[\p{L}\p{N}]\.\p{L}{2,}|:\/\//u.test(text);
}

function namesPlace(text: string, place: string): boolean {
  const address = text.trim().replace(/^mailto:/i, "");
  if (address.toLowerCase() === place.toLowerCase()) return true;
  try {
    return new URL(/^[a-z][a-z+.-]*:\/\//i.test(address) ? address : `https://${address}`).host === place;
  } catch {
    return false;
  }
}

/** Return the text of an inline, as somebody reads it. */
export function textOf(inline: Inline): string {
  if (inline.kind === "break") return "\n";
  return "children" in inline ? inline.children.map(textOf).join("") : inline.text;
}

/** A link within a link is text, and so is a name. */
function textOnly(children: readonly Inline[]): Inline[] {
  return children.flatMap((child) => {
    if (child.kind === "link") return textOnly(child.children);
    if (child.kind === "mention") return [{ kind: "text", text: child.text }];
    return "children" in child ? [{ ...child, children: textOnly(child.children) }] : [child];
  });
}

const MENTION = new RegExp(
  `${MENTION_BEGINS}@[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}_.-]*(?![\\p{L}\\p{M}\\p{N}_.-]|[@/][\\p{L}\\p{N}])`,
  "gu",
);
const NAME_ENDS = new RegExp(`^(?:$|[${WITHOUT_SPACES}]|[._-]*(?:$|[${WITHOUT_SPACES}]))`, "u");

/** In UTF-16 units, before it is normalised. */
const LONGEST_NAME = 64;

/** Return the longest of `names` that a mention begins with; names are lower-case, and NFKC. */
export function mentionedName(mention: string, names: ReadonlySet<string>): string | null {
  const run = mention.slice(1, 1 + LONGEST_NAME);
  for (let end = run.length; end > 0; end--) {
    if (names.has(run.slice(0, end).normalize("NFKC").toLowerCase()) && NAME_ENDS.test(run.slice(end))) {
      return run.slice(0, end);
    }
  }
  return null;
}

function mentionsIn(text: string): Inline[] {
  const parts: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(MENTION)) {
    if (match.index > at) parts.push({ kind: "text", text: text.slice(at, match.index) });
    parts.push({ kind: "mention", text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ kind: "text", text: text.slice(at) });
  return parts;
}
