// The text of a message as React elements.

import { Fragment, memo, useMemo, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useStore } from "../../app/hooks";
import { showProfile } from "../../app/profile_card";
import type { UserId } from "../../protocol/ids";
import { CodeBlock } from "./CodeBlock";
import { isEmojiOnly, mentionedName, parseMessage, type Block, type Inline, type Item } from "./markdown";
import styles from "./MessageText.module.css";

/** Its box stands where the bullet would. */
function isTask({ children: [first] }: Item): boolean {
  const start = first?.kind === "paragraph" ? first.children[0] : undefined;
  return start?.kind === "text" && /^[☐☑]/.test(start.text);
}

const NOBODY: readonly UserId[] = [];
const NO_NAMES: readonly string[] = [];

interface Props {
  text: string;
  /** Who is mentioned, as the chat service has found. */
  mentions?: readonly UserId[];
  /** How the text names them; where that is not known, their names of today are looked for. */
  mentionNames?: readonly string[];
}

export const MessageText = memo(function MessageText({ text, mentions = NOBODY, mentionNames = NO_NAMES }: Props) {
  const blocks = useMemo(() => parseMessage(text), [text]);
  const names = useMentionedNames(mentions, mentionNames);
  const paint = useMemo(() => new Painter(names), [names]);
  return (
    <div className={styles["text"]} data-large={isEmojiOnly(text) || undefined}>
      {paint.blocks(blocks)}
    </div>
  );
});

/** Return who is mentioned: `ann=01… bob=01… `, oneself with a `!` before it. */
function useMentionedNames(mentions: readonly UserId[], written: readonly string[]): string {
  return useStore((store) => {
    let names = "";
    for (const [at, id] of mentions.entries()) {
      const name = written[at] ?? store.users.get(id)?.username.toLowerCase();
      if (name !== undefined) names += `${id === store.selfId ? "!" : ""}${name}=${id} `;
    }
    return names;
  });
}

class Painter {
  private readonly own: ReadonlySet<string>;
  private readonly all: ReadonlySet<string>;
  private readonly ids: ReadonlyMap<string, UserId>;

  constructor(names: string) {
    const parts = names.split(" ").filter((name) => name !== "");
    const pairs = parts.map((part) => part.replace("!", "").split("=") as [string, UserId]);
    this.ids = new Map(pairs);
    this.all = new Set(this.ids.keys());
    this.own = new Set(pairs.filter((_, at) => parts[at]?.startsWith("!")).map(([name]) => name));
  }

  blocks(blocks: readonly Block[]): ReactNode {
    return blocks.map((block, at) => this.block(block, at));
  }

  private block(block: Block, key: number): ReactNode {
    switch (block.kind) {
      case "paragraph":
        return (
          <p key={key} dir="auto">
            {this.inlines(block.children)}
          </p>
        );
      case "heading":
        return (
          <p key={key} dir="auto" className={styles["heading"]}>
            {this.inlines(block.children)}
          </p>
        );
      case "code":
        return <CodeBlock key={key} text={block.text} language={block.language} />;
      case "quote":
        return <blockquote key={key}>{this.blocks(block.children)}</blockquote>;
      case "list": {
        const items = block.items.map((item, at) => (
          <li key={at} value={item.number ?? undefined} data-bare={item.isBare || isTask(item) || undefined}>
            {this.blocks(item.children)}
          </li>
        ));
        return block.ordered ? <ol key={key}>{items}</ol> : <ul key={key}>{items}</ul>;
      }
      case "table": {
        const [head = [], ...rows] = block.rows;
        return (
          // Wide tables scroll by themselves.
          <div key={key} className={styles["table"]}>
            <table>
              <thead>
                <tr>{head.map((cell, at) => <th key={at}>{this.inlines(cell)}</th>)}</tr>
              </thead>
              <tbody>
                {rows.map((row, at) => (
                  <tr key={at}>{row.map((cell, at) => <td key={at}>{this.inlines(cell)}</td>)}</tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }
    }
  }

  private inlines(children: readonly Inline[]): ReactNode {
    return children.map((child, at) => this.inline(child, at));
  }

  private inline(inline: Inline, key: number): ReactNode {
    switch (inline.kind) {
      case "text":
        return inline.text;
      case "break":
        return <br key={key} />;
      case "code":
        return <code key={key}>{inline.text}</code>;
      case "mention":
        return this.mention(inline.text, key);
      case "link":
        return (
          <SafeLink key={key} href={inline.href}>
            {this.inlines(inline.children)}
          </SafeLink>
        );
      case "strong":
        return <strong key={key}>{this.inlines(inline.children)}</strong>;
      case "em":
        return <em key={key}>{this.inlines(inline.children)}</em>;
      case "del":
        return <del key={key}>{this.inlines(inline.children)}</del>;
    }
  }
  private mention(text: string, key: number): ReactNode {
    const name = mentionedName(text, this.all);
    if (name === null) return text;
    return (
      <Fragment key={key}>
        <button
          type="button"
          className={styles["mention"]}
          data-inline
          data-self={mentionedName(text, this.own) === name || undefined}
          onClick={() => showProfile(this.ids.get(name.normalize("NFKC").toLowerCase()) ?? "")}
        >
          <bdi>@{name}</bdi>
        </button>
        {text.slice(1 + name.length)}
      </Fragment>
    );
  }
}

const OWN_PATH = /^\/[ru]\/[^/]+$/;

/** A link that people have written: to somewhere else, or to a message here. */
function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  const [, navigate] = useLocation();
  const url = new URL(href);
  const isHere = url.origin === location.origin && OWN_PATH.test(url.pathname);
  return (
    <a
      href={href}
      title={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      onClick={(event) => {
        if (!isHere || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        navigate(url.pathname + url.search);
      }}
    >
      {children}
    </a>
  );
}
