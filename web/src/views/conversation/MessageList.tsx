// The rows of one part of a conversation. Only those in sight exist; what is being read stays where
// it is, whatever comes before it or grows.

import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
} from "react";
import { useConnection, type TimelineView } from "../../app/hooks";
import { useToday } from "../../app/today";
import { sayError } from "../../session/errors";
import type { TimelineItem } from "../../store/selectors";
import { Button } from "../../ui/Button";
import { dayLabel } from "../../ui/times";
import { useComposing } from "./composing";
import { Icon } from "./icons";
import { isLong } from "./Long";
import { MessageRow } from "./MessageRow";
import { NoticeRow } from "./NoticeRow";
import { OutgoingRow } from "./OutgoingRow";
import type { Target } from "./part";
import { momentOf, type Row } from "./rows";
import styles from "./MessageList.module.css";
import rowStyles from "./Row.module.css";

const AT_END_PX = 60;
/** With fewer rows before or after what is in sight, more are read. */
const READ_WITHIN = 20;
const OVERSCAN = 8;
/** As many as fill a high window. */
const ROWS_AT_END = 40;
const HIGHLIGHT_MS = 2_500;
const DAY_SHOWN_MS = 1_500;

interface Props {
  rows: readonly Row[];
  timeline: TimelineView;
  target: Target;
  /** What stands before the first message. */
  beginning: string;
  onAtEnd: (isAtEnd: boolean) => void;
}

export function MessageList({ rows, timeline, target, beginning, onAtEnd }: Props) {
  const { hasOlder, hasNewer, isReading, error, readOlder, readNewer } = timeline;
  const log = useRef<HTMLDivElement>(null);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const [highlighted, setHighlighted] = useState<string | null>(null);
  const [isSettled, setSettled] = useState(false);
  // A page of newer messages is not followed; the one that ends with the newest neither.
  const [wasNewest, setWasNewest] = useState(!hasNewer);
  useEffect(() => setWasNewest(!hasNewer), [hasNewer]);

  // At the end one stays there, however fast it moves away: only scrolling back leaves it.
  const isAtEnd = useRef(false);
  const activeIndex = activeKey === null ? -1 : rows.findIndex((row) => row.key === activeKey);
  const keyOf = useCallback((index: number) => rows[index]?.key ?? index, [rows]);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled
  const virtualizer = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: rows.length,
    getScrollElement: () => log.current,
    getItemKey: keyOf,
    estimateSize: (index) => estimate(rows[index]),
    overscan: OVERSCAN,
    paddingStart: 56,
    paddingEnd: 12,
    scrollPaddingStart: 72,
    anchorTo: "end",
    followOnAppend: wasNewest && !hasNewer,
    scrollEndThreshold: AT_END_PX,
    directDomUpdates: true,
    directDomUpdatesMode: "position",
    // The row with the focus exists wherever it is, and so does the end for those who stay there:
    // it may be further away after a change than what exists around the place before.
    rangeExtractor: (range: Range) => {
      const shown = new Set(defaultRangeExtractor(range));
      if (activeIndex >= 0) shown.add(activeIndex);
      const end = isAtEnd.current ? Math.max(0, range.count - ROWS_AT_END) : range.count;
      for (let index = end; index < range.count; index++) shown.add(index);
      return [...shown].toSorted((one, two) => one - two);
    },
  });

  const top = useRef(0);
  const look = useCallback(() => {
    if (log.current === null) return;
    const { scrollTop: now, clientHeight, scrollHeight } = log.current;
    if (scrollHeight - clientHeight - now <= AT_END_PX) isAtEnd.current = true;
    else if (now < top.current - 1) isAtEnd.current = false;
    top.current = now;
    onAtEnd(isAtEnd.current);
  }, [onAtEnd]);
  useLayoutEffect(() => {
    if (isAtEnd.current && wasNewest && !hasNewer) virtualizer.scrollToEnd();
  }, [virtualizer, rows, wasNewest, hasNewer]);

  // Go where this part is to be shown, and wherever somebody jumps to.
  const current = useRef(rows);
  useLayoutEffect(() => {
    current.current = rows;
  });
  useLayoutEffect(() => {
    const at = rowAt(current.current, target);
    const row = current.current[at];
    isAtEnd.current = row === undefined;
    if (row === undefined) virtualizer.scrollToEnd();
    else virtualizer.scrollToIndex(at, { align: target.kind === "line" ? "start" : "center" });
    if (target.kind === "message") setHighlighted(row?.key ?? null);
    const unlight = setTimeout(() => setHighlighted(null), HIGHLIGHT_MS);
    const frame = requestAnimationFrame(() => {
      setSettled(true);
      look();
    });
    return () => {
      clearTimeout(unlight);
      cancelAnimationFrame(frame);
    };
  }, [virtualizer, target, look]);

  // The end stays in sight when the window or what is written grows.
  useEffect(() => {
    if (log.current === null) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) virtualizer.scrollToEnd();
    });
    observer.observe(log.current);
    return () => observer.disconnect();
  }, [virtualizer]);

  // Rows that turn out lower than they were guessed bring the end into sight without any scrolling.
  useEffect(() => {
    const all = log.current?.firstElementChild;
    if (!all) return;
    const observer = new ResizeObserver(look);
    observer.observe(all);
    return () => observer.disconnect();
  }, [look]);

  // The message that is being edited is in view.
  const { editing } = useComposing();
  useEffect(() => {
    if (editing === null) return;
    const index = current.current.findIndex(({ item }) => item.kind === "message" && item.message.id === editing);
    if (index >= 0) virtualizer.scrollToIndex(index, { align: "auto" });
  }, [virtualizer, editing]);

  const [isScrolling, setScrolling] = useState(false);
  useEffect(() => {
    const element = log.current;
    if (element === null) return;
    let timer: ReturnType<typeof setTimeout>;
    const scrolled = () => {
      setScrolling(true);
      clearTimeout(timer);
      timer = setTimeout(() => setScrolling(false), DAY_SHOWN_MS);
    };
    // Not for what scrolls by itself: new messages, and places that are gone to.
    const events = ["wheel", "touchmove", "keydown"] as const;
    for (const event of events) element.addEventListener(event, scrolled, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const event of events) element.removeEventListener(event, scrolled);
    };
  }, []);

  const items = virtualizer.getVirtualItems();
  const range = virtualizer.range;
  const first = range?.startIndex ?? 0;
  const last = range?.endIndex ?? 0;
  const wantsOlder = isSettled && hasOlder && first < READ_WITHIN;
  const wantsNewer = isSettled && hasNewer && last >= rows.length - READ_WITHIN;
  const connection = useConnection();
  const hasFailed = error !== null;
  const read = useCallback(() => {
    if (wantsOlder) readOlder();
    else if (wantsNewer) readNewer();
  }, [wantsOlder, wantsNewer, readOlder, readNewer]);
  useEffect(() => {
    if (!isReading && !hasFailed) read();
  }, [isReading, hasFailed, read]);
  const again = useRef(read);
  useEffect(() => {
    again.current = read;
  });
  useEffect(() => {
    if (connection === "live") again.current();
  }, [connection]);

  const focusSoon = useRef(false);
  useLayoutEffect(() => {
    if (!focusSoon.current || activeKey === null) return;
    const row = virtualizer.elementsCache.get(activeKey)?.querySelector<HTMLElement>("[data-row]");
    if (!row) return;
    focusSoon.current = false;
    row.focus({ preventScroll: true });
  });
  const go = (index: number) => {
    const row = rows[index];
    if (row === undefined) return;
    focusSoon.current = true;
    setActiveKey(row.key);
    virtualizer.scrollToIndex(index, { align: "auto" });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") {
      event.currentTarget.closest("main")?.querySelector("textarea")?.focus();
      return;
    }
    const index = nextIndex(event.key, rows, activeIndex, Math.min(last, rows.length - 1));
    if (index === null) return;
    event.preventDefault();
    go(index);
  };
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const slot = event.target.closest<HTMLElement>("[data-index]");
    const row = rows[Number(slot?.dataset["index"] ?? -1)];
    if (row !== undefined) setActiveKey(row.key);
  };
  const onBlur = ({ currentTarget, relatedTarget }: FocusEvent<HTMLElement>) => {
    // A menu or a dialog gives the focus back.
    const isKept = relatedTarget?.closest("[popover], dialog") ?? currentTarget.contains(relatedTarget);
    if (!isKept && !focusSoon.current) setActiveKey(null);
  };

  return (
    // Its arrow keys move between the messages.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions
    <div
      ref={log}
      className={styles["log"]}
      role="log"
      aria-label="Messages"
      // What scrolls into sight is not news; what is new is told by the announcer.
      aria-live="off"
      aria-busy={isReading}
      tabIndex={activeIndex < 0 ? 0 : -1}
      onScroll={look}
      onKeyDown={onKeyDown}
      onFocus={onFocus}
      onBlur={onBlur}
    >
      <FloatingDay row={isScrolling ? rows[first] : undefined} />
      <div ref={virtualizer.containerRef} className={styles["all"]}>
        <div className={styles["beginning"]}>
          {hasOlder ? isReading && <Loading /> : <span>{beginning}</span>}
        </div>
        {items.map(({ index, key }) => {
          const row = rows[index];
          return (
            row && (
              <Slot
                key={key}
                row={row}
                index={index}
                isActive={index === activeIndex}
                isHighlighted={row.key === highlighted}
                measure={virtualizer.measureElement}
              />
            )
          );
        })}
      </div>
      {hasFailed && (
        <p className={styles["error"]} role="alert">
          {sayError(error)} <Button onClick={read}>Try again</Button>
        </p>
      )}
    </div>
  );
}

/** The day of what is at the top, while one scrolls. */
function FloatingDay({ row }: { row: Row | undefined }) {
  // Where the day begins its line says so.
  const day = row === undefined || row.day !== null ? null : momentOf(row.item).at;
  return (
    <p className={styles["floatingDay"]} data-shown={day !== null || undefined} aria-hidden>
      {day !== null && <span>{dayLabel(day)}</span>}
    </p>
  );
}

interface SlotProps {
  row: Row;
  index: number;
  isActive: boolean;
  isHighlighted: boolean;
  measure: (element: HTMLDivElement | null) => void;
}

const Slot = memo(function Slot({ row, index, isActive, isHighlighted, measure }: SlotProps) {
  useToday();
  return (
    <div ref={measure} data-index={index} className={styles["slot"]}>
      {row.day !== null && (
        <p className={rowStyles["day"]}>
          <time dateTime={row.day}>{dayLabel(row.day)}</time>
        </p>
      )}
      {row.isFirstNew && <p className={rowStyles["newLine"]}>New messages</p>}
      <Item item={row.item} isHead={row.isHead} isActive={isActive} isHighlighted={isHighlighted} />
    </div>
  );
});

interface ItemProps {
  item: TimelineItem;
  isHead: boolean;
  isActive: boolean;
  isHighlighted: boolean;
}

function Item({ item, isHead, isActive, isHighlighted }: ItemProps) {
  switch (item.kind) {
    case "message":
      return (
        <MessageRow
          message={item.message}
          isHead={isHead}
          isActive={isActive}
          isHighlighted={isHighlighted}
        />
      );
    case "outgoing":
      return <OutgoingRow outgoing={item.outgoing} isHead={isHead} isActive={isActive} />;
    case "notice":
      return <NoticeRow notice={item.notice} />;
  }
}

function Loading() {
  return (
    <span className={styles["loading"]}>
      <Icon name="clock" size={14} /> Loading earlier messages…
    </span>
  );
}

/** Return the index of the row to show; -1 for the end. */
function rowAt(rows: readonly Row[], target: Target): number {
  if (target.kind === "end") return -1;
  return rows.findIndex(
    ({ item, isFirstNew }) =>
      (target.kind === "line" && isFirstNew) ||
      (target.kind === "message" &&
        item.kind === "message" &&
        item.message.message_index === target.index),
  );
}

/** Return where a key leads from the active row; notices are passed over. */
function nextIndex(key: string, rows: readonly Row[], at: number, last: number): number | null {
  const seek = (from: number, step: 1 | -1) => {
    for (let index = from; index >= 0 && index < rows.length; index += step) {
      if (rows[index]?.item.kind !== "notice") return index;
    }
    return null;
  };
  switch (key) {
    case "ArrowUp":
      return at < 0 ? seek(last, -1) : seek(at - 1, -1);
    case "ArrowDown":
      return at < 0 ? seek(last, -1) : seek(at + 1, 1);
    case "Home":
      return seek(0, 1);
    case "End":
      return seek(rows.length - 1, -1);
    default:
      return null;
  }
}

const LINE_PX = 24;
const LETTERS_IN_LINE = 80;
const LINES_OF_LONG = 16;

/** Guess the height of a row that was not seen yet. */
function estimate(row: Row | undefined): number {
  if (row === undefined) return LINE_PX;
  const above = (row.day === null ? 0 : 40) + (row.isFirstNew ? 32 : 0);
  if (row.item.kind === "notice") return above + 37;
  const text = row.item.kind === "message" ? row.item.message.message : row.item.outgoing.message;
  const lines = isLong(text) ? LINES_OF_LONG : Math.ceil(text.length / LETTERS_IN_LINE) || 1;
  const reactions = row.item.kind === "message" && row.item.message.reactions.length > 0 ? 40 : 0;
  return above + reactions + lines * LINE_PX + (row.isHead ? 37 : 4);
}
