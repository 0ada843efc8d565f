// All emoji, by kind or by search. Load it with import(): `lazy(() => import(".../EmojiPicker"))`.

import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import styles from "./EmojiPicker.module.css";
import { findEmoji, loadEmoji, type Emoji } from "./emoji";
import { recentEmoji, rememberEmoji } from "./recent";

const COLUMNS = 8;
const FOUND = 80;
const RECENT = -1;

const KINDS: readonly (readonly [group: number, sign: string, label: string])[] = [
  [RECENT, "🕘", "Recent"],
  [0, "😀", "Smileys"],
  [1, "👋", "People"],
  [3, "🐻", "Animals and nature"],
  [4, "🍎", "Food and drink"],
  [5, "✈️", "Travel and places"],
  [6, "⚽", "Activities"],
  [7, "💡", "Objects"],
  [8, "💛", "Symbols"],
  [9, "🏁", "Flags"],
];

interface Props {
  onPick(emoji: string): void;
  /** By Escape, or by a click elsewhere. Clicks within `[data-opens-emoji]` are that button's. */
  onClose(): void;
}

/** Takes the focus into its search field. Where it stands is its parent's business. */
export default function EmojiPicker({ onPick, onClose }: Props) {
  const [all, setAll] = useState<readonly Emoji[] | null>(null);
  const [hasFailed, setFailed] = useState(false);
  const [text, setText] = useState("");
  const [kind, setKind] = useState(RECENT);
  const [at, setAt] = useState(0);
  const root = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);

  useEffect(() => {
    search.current?.focus();
    loadEmoji().then(setAll, () => setFailed(true));
  }, []);
  useEffect(() => {
    const close = ({ target }: PointerEvent) => {
      if (!(target instanceof Element) || root.current?.contains(target)) return;
      if (target.closest("[data-opens-emoji]") === null) onClose();
    };
    document.addEventListener("pointerdown", close);
    return () => document.removeEventListener("pointerdown", close);
  }, [onClose]);

  const isSearching = text.trim() !== "";
  const shown = useMemo(() => {
    if (all === null) return [];
    if (isSearching) return findEmoji(all, text, FOUND);
    if (kind !== RECENT) return all.filter(({ group }) => group === kind);
    const byText = new Map(all.map((emoji) => [emoji.text, emoji]));
    return recentEmoji().flatMap((recent) => byText.get(recent) ?? []);
  }, [all, isSearching, text, kind]);
  const active = Math.min(at, Math.max(0, shown.length - 1));

  const pick = (emoji: Emoji | undefined) => {
    if (emoji === undefined) return;
    rememberEmoji(emoji.text);
    onPick(emoji.text);
  };
  const go = (index: number) => {
    setAt(index);
    root.current?.querySelectorAll<HTMLElement>("[role=gridcell] button")[index]?.focus();
  };
  const onGridKey = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    if (event.key === "ArrowUp" && active < COLUMNS) return search.current?.focus();
    const target = event.key === "Home" ? 0 : event.key === "End" ? shown.length - 1 : active + step;
    if (target >= 0 && target < shown.length) go(target);
  };

  return (
    // Escape is for all that is in it.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions
    <div
      ref={root}
      className={styles["picker"]}
      role="dialog"
      aria-label="Emoji"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <input
        ref={search}
        type="search"
        className={styles["search"]}
        aria-label="Find emoji"
        placeholder="Find emoji"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            if (isSearching) pick(shown[0]);
          } else if (event.key === "ArrowDown" && shown.length > 0) {
            event.preventDefault();
            go(active);
          }
        }}
      />
      {!isSearching && (
        <div className={styles["kinds"]} role="group" aria-label="Categories">
          {KINDS.map(([group, sign, label]) => (
            <button
              key={group}
              type="button"
              aria-label={label}
              title={label}
              aria-pressed={group === kind}
              onClick={() => {
                setKind(group);
                setAt(0);
              }}
            >
              {sign}
            </button>
          ))}
        </div>
      )}
      <div className={styles["shown"]} role="status">
        {hasFailed && "Couldn't load the emoji. Try again later."}
        {all !== null && shown.length === 0 && "No emoji found."}
      </div>
      {shown.length > 0 && (
        <div className={styles["grid"]} role="grid" aria-label={isSearching ? "Search results" : labelOf(kind)}>
          {rowsOf(shown).map((row, line) => (
            <div key={row[0]?.text} role="row" className={styles["row"]}>
              {row.map((emoji, column) => {
                const index = line * COLUMNS + column;
                return (
                  <span key={emoji.text} role="gridcell">
                    <button
                      type="button"
                      tabIndex={index === active ? 0 : -1}
                      aria-label={emoji.label}
                      title={`:${emoji.names[0]}:`}
                      onFocus={() => setAt(index)}
                      onKeyDown={onGridKey}
                      onClick={() => pick(emoji)}
                    >
                      {emoji.text}
                    </button>
                  </span>
                );
              })}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -COLUMNS,
  ArrowDown: COLUMNS,
  Home: 0,
  End: 0,
};

function rowsOf(shown: readonly Emoji[]): Emoji[][] {
  const count = Math.ceil(shown.length / COLUMNS);
  return Array.from({ length: count }, (_, row) => shown.slice(row * COLUMNS, (row + 1) * COLUMNS));
}

function labelOf(kind: number): string | undefined {
  return KINDS.find(([group]) => group === kind)?.[2];
}
