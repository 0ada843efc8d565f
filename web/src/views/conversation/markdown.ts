// What of markdown counts in a message. The result is plain data: nothing in it is HTML, and every
// link is one that may be followed. Pure.

import { Lexer, Tokenizer, type Token, type Tokens } from "marked";

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "mention"; readonly name: string; readonly text: string }
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: "strong" | "em" | "del"; readonly children: readonly Inline[] };

export type Block =
  | { readonly kind: "paragraph" | "heading"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | null; readonly items: readonly Block[][] };

/** Deeper than this, markdown is shown as it was written. */
const MAX_DEPTH = 6;
const SAFE_PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);
// As the chat service finds them.
const MENTION = /(?<![\p{L}\p{N}_@.])@([\p{L}\p{N}_.-]{3,32})/gu;
const EMOJI =
  /^(?:(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\u{FE0F})[\p{EMod}\u{FE0F}]?(?:\u{200D}\p{Extended_Pictographic}[\p{EMod}\u{FE0F}]?)*\s*){1,6}$/u;

class MessageTokenizer extends Tokenizer {
  // What these mean in a document is not what people mean in a chat.
  override html = () => undefined;
  override tag = () => undefined;
  override def = () => undefined;
  override reflink = () => undefined;
  override lheading = () => undefined;
  override table = () => undefined;
  override code = () => undefined;
  override hr = () => undefined;
}

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

function parse(text: string): readonly Block[] {
  try {
    // A tokenizer carries the state of one reading.
    const options = { gfm: true, breaks: true, tokenizer: new MessageTokenizer() };
    return blocksOf(Lexer.lex(text, options), 0);
  } catch {
    return [paragraph([{ kind: "text", text }])];
  }
}

/** Say whether a text is a few emoji and nothing else. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 64 && EMOJI.test(text.trim());
}

/** Return an address where it is one that may be followed. */
export function safeHref(href: string): string | null {
  try {
    const url = new URL(href);
    return SAFE_PROTOCOLS.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function paragraph(children: readonly Inline[]): Block {
  return { kind: "paragraph", children };
}

function blocksOf(tokens: readonly Token[], depth: number): Block[] {
  return tokens.flatMap((token) => blockOf(token as Tokens.Generic, depth));
}

function blockOf(token: Tokens.Generic, depth: number): Block[] {
  if (depth > MAX_DEPTH) return [paragraph([{ kind: "text", text: token.raw }])];
  switch (token.type) {
    case "space":
    case "checkbox":
      return [];
    case "paragraph":
      return [paragraph(inlinesOf(token.tokens, 0))];
    case "heading":
      return [{ kind: "heading", children: inlinesOf(token.tokens, 0) }];
    case "code": {
      const { text, lang } = token as Tokens.Code;
      return [{ kind: "code", language: lang?.split(/\s/)[0] ?? "", text }];
    }
    case "blockquote":
      return [{ kind: "quote", children: blocksOf(token.tokens ?? [], depth + 1) }];
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      const from = ordered && typeof start === "number" ? start : null;
      return [{ kind: "list", start: from, items: items.map((item) => itemOf(item, depth)) }];
    }
    case "text":
      return [paragraph(token.tokens ? inlinesOf(token.tokens, 0) : inTexts(token["text"]))];
    default:
      return [paragraph([{ kind: "text", text: token.raw }])];
  }
}

function itemOf(item: Tokens.ListItem, depth: number): Block[] {
  const blocks = blocksOf(item.tokens, depth + 1);
  if (!item.task) return blocks;
  const box: Inline = { kind: "text", text: item.checked ? "☑ " : "☐ " };
  const [first, ...others] = blocks;
  if (first?.kind !== "paragraph") return [paragraph([box]), ...blocks];
  return [paragraph([box, ...first.children]), ...others];
}

function inlinesOf(tokens: readonly Token[] | undefined, depth: number): Inline[] {
  return (tokens ?? []).flatMap((token) => inlineOf(token as Tokens.Generic, depth));
}

function inlineOf(token: Tokens.Generic, depth: number): Inline[] {
  if (depth > MAX_DEPTH) return [{ kind: "text", text: token.raw }];
  switch (token.type) {
    case "text":
      return token.tokens ? inlinesOf(token.tokens, depth) : inTexts(token["text"]);
    case "escape":
      return [{ kind: "text", text: token["text"] }];
    case "br":
      return [{ kind: "break" }];
    case "codespan":
      return [{ kind: "code", text: token["text"] }];
    case "strong":
    case "em":
    case "del":
      return [{ kind: token.type, children: inlinesOf(token.tokens, depth + 1) }];
    case "link":
    case "image": {
      const href = safeHref(token["href"]);
      if (href === null) return [{ kind: "text", text: token.raw }];
      const children = textOnly(inlinesOf(token.tokens, depth + 1));
      const shown = children.length > 0 ? children : [{ kind: "text" as const, text: href }];
      return [{ kind: "link", href, children: shown }];
    }
    default:
      return [{ kind: "text", text: token.raw }];
  }
}

/** A link within a link is text. */
function textOnly(children: readonly Inline[]): Inline[] {
  return children.flatMap((child) => {
    if (child.kind === "link") return textOnly(child.children);
    if (child.kind === "mention") return [{ kind: "text", text: child.text }];
    return "children" in child ? [{ ...child, children: textOnly(child.children) }] : [child];
  });
}

/** Part a text at the names that it mentions. */
function inTexts(text: string): Inline[] {
  const parts: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(MENTION)) {
    // A name may end with a dot or a hyphen, but then it mostly ends a sentence.
    const name = (match[1] ?? "").replace(/[.-]+$/, "");
    const end = match.index + 1 + name.length;
    if (match.index > at) parts.push({ kind: "text", text: text.slice(at, match.index) });
    parts.push({ kind: "mention", name: name.toLowerCase(), text: text.slice(match.index, end) });
    at = end;
  }
  if (at < text.length) parts.push({ kind: "text", text: text.slice(at) });
  return parts;
}
