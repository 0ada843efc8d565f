// The grammar of messages: markdown-it, with the rules of a document replaced by those of a chat.
// Two promises: no character is dropped that does not format something, and the time to parse is
// linear in the length.

import markdownIt from "markdown-it";
import type { MarkdownIt, StateBlock, StateInline, Token } from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";

/** Blocks nested deeper are shown as they were written. */
const MAX_BLOCK_LEVEL = 8;
/** Of blocks and of emphasis within them; markdown-it shows deeper inlines as text. */
const MAX_LEVEL = 24;
/** In search of the ends of fences, over a whole message: many without an end would take long. */
const MAX_LINES_LOOKED_AT = 10_000;
const SAFE_PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

const NEWLINE = 0x0a;
const ASTERISK = 0x2a;
const UNDERSCORE = 0x5f;
const BACKTICK = 0x60;
const TILDE = 0x7e;

/** Return an address where it is one that may be followed. */
export function safeHref(href: string): string | null {
  try {
    const url = new URL(href);
    return SAFE_PROTOCOLS.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Return the block tokens of a message. */
export function tokensOf(text: string): Token[] {
  return grammar.parse(text, {});
}

const grammar = makeGrammar();

function makeGrammar(): MarkdownIt {
  const md = markdownIt({ html: false, linkify: true, maxNesting: MAX_LEVEL });
  md.use(cjkFriendly);
  md.validateLink = (href) => safeHref(href) !== null;
  // What these mean in a document is not what people mean in a chat.
  md.block.ruler.disable(["code", "hr", "html_block", "lheading", "reference"]);
  md.inline.ruler.disable(["html_inline", "entity"]);
  // An escaped `@` must stay apart from the name behind it.
  md.core.ruler.disable(["text_join"]);
  md.block.ruler.at("fence", fence, { alt: ["paragraph", "blockquote", "list"] });
  md.block.ruler.at("paragraph", paragraph);
  md.block.ruler.before("table", "too_deep", tooDeep);
  // Ends a quote at the first line without a `>`.
  md.block.ruler.before("blockquote", "quote_end", endsQuote, {
    alt: ["blockquote"],
  });
  md.inline.ruler.at("newline", newline);
  md.inline.ruler.at("escape", escape);
  keepLinesOfCode(md);
  restrictDelimiters(md);
  return md;
}

function endsQuote(state: StateBlock, _startLine: number, _endLine: number, silent: boolean): boolean {
  return silent && state.parentType === "blockquote";
}

/** Takes the rest of what is nested too deep as one paragraph. */
function tooDeep(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (silent || state.level < MAX_BLOCK_LEVEL) return false;
  pushParagraph(state, startLine, endLine);
  return true;
}

/** Like CommonMark's, but keeps the spaces at the beginning of each line. */
function paragraph(state: StateBlock, startLine: number, endLine: number): boolean {
  const terminators = state.md.block.ruler.getRules("paragraph");
  const outer = state.parentType;
  state.parentType = "paragraph";
  let line = startLine + 1;
  for (; line < endLine && !state.isEmpty(line); line++) {
    const indented = (state.sCount[line] ?? 0) - state.blkIndent > 3;
    const isLazy = (state.sCount[line] ?? 0) < 0;
    if (indented || isLazy) continue;
    const at = line;
    if (terminators.some((ends) => ends(state, at, endLine, true))) break;
  }
  pushParagraph(state, startLine, line);
  state.parentType = outer;
  return true;
}

function pushParagraph(state: StateBlock, from: number, to: number): void {
  const text = state.getLines(from, to, state.blkIndent, false);
  state.line = to;
  const open = state.push("paragraph_open", "p", 1);
  open.map = [from, to];
  const inline = state.push("inline", "", 0);
  inline.content = text.replace(/^\n+/, "").trimEnd();
  inline.map = [from, to];
  inline.children = [];
  state.push("paragraph_close", "p", -1);
}

/** A block of code between fences. What no fence ends is one up to the end of the message. */
function fence(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const opening = lineOf(state, startLine);
  const length = fenceLength(opening);
  const info = opening.slice(length).trim();
  if (length === 0 || info.includes("`")) return false;
  const looked = Number(state.env["looked"] ?? 0);
  if (looked > MAX_LINES_LOOKED_AT) return false;
  let end = startLine + 1;
  let isClosed = false;
  for (; end < endLine && !isClosed; end++) {
    const line = lineOf(state, end);
    if (line !== "" && (state.sCount[end] ?? 0) < state.blkIndent) break;
    const ending = fenceLength(line);
    isClosed =
      ending >= length && line.slice(ending).trim() === "";
  }
  state.env["looked"] = looked + end - startLine;
  const code = state.getLines(startLine + 1, isClosed ? end - 1 : end, state.sCount[startLine] ?? 0, false);
  // Fences within lines, and those that hold nothing, are left to the paragraph.
  if (code.trim() === "" && (info === "" || isOneWord(info))) return false;
  if (!isClosed && (!(info === "" || isOneWord(info)) || code.includes(opening.slice(0, length)))) return false;
  if (silent) return true;
  const token = state.push("fence", "code", 0);
  token.content = info === "" ? code : `${info}\n${code}`;
  token.map = [startLine, end];
  state.line = end;
  return true;
}

/** Part code at its language: a first line of one word, with code below it. */
export function languageAndCode(raw: string): { language: string; text: string } {
  const text = raw.replace(/\n$/, "");
  const [first = "", ...others] = text.split("\n");
  const rest = others.join("\n");
  if (isOneWord(first.trim()) && rest.trim() !== "") return { language: first.trim(), text: rest };
  return { language: "", text: text.replace(/^[ \t]*\n/, "") };
}

function isOneWord(text: string): boolean {
  return /^[\w+#.-]{1,32}$/.test(text);
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]);
}

function fenceLength(line: string): number {
  return /^`{3,}/.exec(line)?.[0].length ?? 0;
}

/** Every line break counts, and so do the spaces after it. */
function newline(state: StateInline, silent: boolean): boolean {
  if (state.src.charCodeAt(state.pos) !== NEWLINE) return false;
  if (!silent) state.push("softbreak", "br", 0);
  state.pos += 1;
  return true;
}

const ESCAPED = new Set("*_~`[]()#>+-.!|@");
const AT_LINE_START = /^(?:\\#{1,6}[ \t]|\\>|\\[-+*][ \t]|\d{1,9}\\[.)][ \t])/;

/** A backslash escapes only what would format without it; else it is a backslash. */
function escape(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  if (src.charAt(pos) !== "\\") return false;
  const character = src.charAt(pos + 1);
  if (pos + 1 >= state.posMax || !ESCAPED.has(character)) return false;
  const isProbe = state.env["isProbe"] === true;
  const escapes = isProbe || escapesAt(src, pos) || formats(state, character);
  if (!silent) {
    const token = state.push("text_special", "", 0);
    token.content = escapes ? character : `\\${character}`;
    token.markup = `\\${character}`;
    token.info = "escape";
  }
  state.pos += 2;
  return true;
}

/** Say whether the backslash at `pos` keeps a line from being a block, or a name from being one. */
function escapesAt(src: string, pos: number): boolean {
  if (src.charAt(pos + 1) === "@") return /[\p{L}\p{N}_]/u.test(src.slice(pos + 2, pos + 4));
  const lineStart = src.lastIndexOf("\n", pos) + 1;
  // A number has at most nine digits before the backslash.
  return pos - lineStart <= 12 && AT_LINE_START.test(src.slice(lineStart, pos + 12).trimStart());
}

/** Say whether the text would hold more formatting without the backslashes before `character`. */
function formats(state: StateInline, character: string): boolean {
  const known = (state.env["escapes"] ??= new Map()) as Map<string, boolean>;
  const key = character + state.src;
  let answer = known.get(key);
  if (answer === undefined) {
    const bare = state.src.replaceAll(`\\${character}`, character);
    answer = shapeOf(state.md, bare) !== shapeOf(state.md, state.src);
    known.set(key, answer);
  }
  return answer;
}

function shapeOf(md: MarkdownIt, src: string): string {
  const tokens: Token[] = [];
  md.inline.parse(src, md, { isProbe: true }, tokens);
  return tokens
    .map((token) => token.type)
    .filter((type) => !type.startsWith("text") && type !== "softbreak")
    .join();
}

/** Return the rule that goes by a name; functions have other names in the built client. */
function ruleNamed({ inline: { ruler } }: MarkdownIt, name: string) {
  const all = ruler.getRules("");
  ruler.disable(name);
  const others = new Set(ruler.getRules(""));
  ruler.enable(name);
  return all.find((rule) => !others.has(rule));
}

/** Code in a line keeps its line breaks, which markdown makes spaces of. */
function keepLinesOfCode(md: MarkdownIt): void {
  const backticks = ruleNamed(md, "backticks");
  if (backticks === undefined) throw new Error("markdown-it has no rule for code");
  md.inline.ruler.at("backticks", (state, silent) => {
    if (state.src.charCodeAt(state.pos) !== BACKTICK) return false;
    const from = state.pos;
    const count = state.tokens.length;
    if (!backticks(state, silent)) return false;
    const token = state.tokens.at(-1);
    if (silent || state.tokens.length === count || token?.type !== "code_inline") return true;
    const raw = state.src.slice(from + token.markup.length, state.pos - token.markup.length);
    if (raw.includes("\n")) token.content = raw;
    if (raw.trim() === "") {
      token.type = "text";
      token.content = state.src.slice(from, state.pos);
    }
    return true;
  });
}

const OPENS_BEFORE = /[\s\p{Ps}\p{Pi}"'*~_]/u;

/** `_` opens only where a word begins, and `*` between two digits multiplies. */
function restrictDelimiters(md: MarkdownIt): void {
  const State = md.inline.State;
  class ChatState extends State {
    override scanDelims(start: number, canSplitWord: boolean) {
      const scanned = super.scanDelims(start, canSplitWord);
      const marker = this.src.charCodeAt(start);
      if (marker !== UNDERSCORE && marker !== ASTERISK && marker !== TILDE) return scanned;
      const before = start > 0 ? this.src.charAt(start - 1) : " ";
      const after = this.src.charAt(start + scanned.length);
      if (marker === UNDERSCORE && !OPENS_BEFORE.test(before)) return { ...scanned, can_open: false };
      if (marker === ASTERISK && /\d/.test(before) && /\d/.test(after)) {
        return { ...scanned, can_open: false, can_close: false };
      }
      return scanned;
    }
  }
  md.inline.State = ChatState;
}
