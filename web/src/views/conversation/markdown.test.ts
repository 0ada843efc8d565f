import { describe, expect, it } from "vitest";
import { safeHref } from "./grammar";
import { isEmojiOnly, parseMessage, type Block, type Inline } from "./markdown";

function inlines(text: string): readonly Inline[] {
  const [block] = parseMessage(text);
  return block !== undefined && block.kind === "paragraph" ? block.children : [];
}

function depth(blocks: readonly Block[]): number {
  return Math.max(0, ...blocks.map((block) => (block.kind === "quote" ? 1 + depth(block.children) : 0)));
}

describe("parseMessage", () => {
  it("leaves HTML as the text that it is", () => {
    const html = '<img src=x onerror="alert(1)"> <b>bold</b> &amp; <!-- -->';
    expect(parseMessage(html)).toEqual([
      { kind: "paragraph", children: [{ kind: "text", text: html }] },
    ]);
    expect(parseMessage("<div>\nblock\n</div>")[0]?.kind).toBe("paragraph");
  });

  it("knows emphasis, code, breaks and strikes", () => {
    expect(inlines("a **b** *c* ~~d~~ `<e>`\nf")).toEqual([
      { kind: "text", text: "a " },
      { kind: "strong", children: [{ kind: "text", text: "b" }] },
      { kind: "text", text: " " },
      { kind: "em", children: [{ kind: "text", text: "c" }] },
      { kind: "text", text: " " },
      { kind: "del", children: [{ kind: "text", text: "d" }] },
      { kind: "text", text: " " },
      { kind: "code", text: "<e>" },
      { kind: "break" },
      { kind: "text", text: "f" },
    ]);
  });

  it("links addresses of the web and of mail, and shows all others as text", () => {
    expect(inlines("https://e.org/?a=1&b=2")).toEqual([
      {
        kind: "link",
        href: "https://e.org/?a=1&b=2",
        children: [{ kind: "text", text: "https://e.org/?a=1&b=2" }],
      },
    ]);
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "//e.org", "/r/1"]) {
      expect(inlines(`[x](${bad})`)).toEqual([{ kind: "text", text: `[x](${bad})` }]);
    }
    expect(inlines("![cat](https://e.org/c.png)")[0]).toMatchObject({ kind: "link" });
  });

  it("does not make documents of chats", () => {
    expect(parseMessage("Title\n---").map((block) => block.kind)).toEqual(["paragraph"]);
    expect(parseMessage("    four spaces")[0]?.kind).toBe("paragraph");
    expect(inlines("[a]: http://e.org")[0]).toMatchObject({ kind: "text" });
  });

  it("ends with whatever people think of", () => {
    for (const unit of [">", "> ", "- ", "*a ", "[", "![", "`", "_", "~~a ", "<", "|a", "[a](", "\\*", "\n> - "]) {
      const text = unit.repeat(Math.floor(8_000 / unit.length));
      expect(depth(parseMessage(text))).toBeLessThan(10);
    }
  });
});

it("knows which addresses may be followed", () => {
  expect(safeHref("mailto:a@b.org")).toBe("mailto:a@b.org");
  expect(safeHref("JavaScript:alert(1)")).toBeNull();
  expect(safeHref("relative")).toBeNull();
});

it("knows a few emoji from a text", () => {
  for (const yes of ["👍", "👍🏽 🎉", "👨‍👩‍👧", "🇩🇪", "❤️"]) expect(isEmojiOnly(yes), yes).toBe(true);
  for (const no of ["", "a", "1", "👍 ok", "#", "👍".repeat(7)]) expect(isEmojiOnly(no), no).toBe(false);
});
