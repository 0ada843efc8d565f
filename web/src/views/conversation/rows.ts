// What stands above an item of the timeline, and which items belong together. Pure.

import type { TimelineItem } from "../../store/selectors";

export interface Row {
  readonly key: string;
  readonly item: TimelineItem;
  /** The day begins here: its moment. */
  readonly day: string | null;
  /** The first that was not read when the conversation was opened. */
  readonly isFirstNew: boolean;
  /** Shows who wrote it. Others follow closely upon one of the same author. */
  readonly isHead: boolean;
}

const TOGETHER_MS = 5 * 60_000;
const moments = new WeakMap<TimelineItem, { at: number; day: number }>();

/** Makes the rows of a timeline; a row that shows the same is the same object. */
export class RowMaker {
  private kept = new Map<string, Row>();
  private readonly selfId: string;

  constructor(selfId: string) {
    this.selfId = selfId;
  }

  /**
   * `lineAfter`: the index of the last message that was read. `isBeginning`: nothing comes before
   * the first item; otherwise it does not claim to begin its day.
   */
  make(items: readonly TimelineItem[], lineAfter: number | null, isBeginning: boolean): Row[] {
    const kept = new Map<string, Row>();
    let before: TimelineItem | null = null;
    let isLineDrawn = lineAfter === null;
    const rows = items.map((item) => {
      const isNewDay =
        before === null ? isBeginning : momentOf(before).day !== momentOf(item).day;
      const isFirstNew = !isLineDrawn && this.isAfter(item, lineAfter ?? 0);
      isLineDrawn ||= isFirstNew;
      const now: Row = {
        key: item.key,
        item,
        day: isNewDay ? new Date(momentOf(item).at).toISOString() : null,
        isFirstNew,
        isHead: before === null || isNewDay || isFirstNew || !this.isTogether(before, item),
      };
      const old = this.kept.get(item.key);
      const row = old !== undefined && isSame(old, now) ? old : now;
      kept.set(item.key, row);
      before = item;
      return row;
    });
    this.kept = kept;
    return rows;
  }

  /** Say whether an item is the first of others behind the line; one's own are never news. */
  private isAfter(item: TimelineItem, index: number): boolean {
    return (
      item.kind === "message" &&
      item.message.message_index > index &&
      item.message.sender_id !== this.selfId
    );
  }

  private isTogether(before: TimelineItem, item: TimelineItem): boolean {
    if (before.kind === "notice" || item.kind === "notice" || answers(item)) return false;
    if (this.authorOf(before) !== this.authorOf(item)) return false;
    return Math.abs(momentOf(item).at - momentOf(before).at) < TOGETHER_MS;
  }

  private authorOf(item: TimelineItem): string {
    return item.kind === "message" ? item.message.sender_id : this.selfId;
  }
}

function answers(item: TimelineItem): boolean {
  if (item.kind === "message") return item.message.reply_to !== null && !item.message.deleted;
  return item.kind === "outgoing" && item.outgoing.reply_to !== null;
}

/** Return when an item was written, and a number for its day. */
export function momentOf(item: TimelineItem): { at: number; day: number } {
  let moment = moments.get(item);
  if (moment === undefined) {
    const date =
      item.kind === "outgoing"
        ? new Date(item.outgoing.written_at)
        : new Date(item.kind === "message" ? item.message.created_at : item.notice.created_at);
    const day = date.getFullYear() * 400 + date.getMonth() * 32 + date.getDate();
    moment = { at: date.getTime(), day };
    moments.set(item, moment);
  }
  return moment;
}

function isSame(one: Row, two: Row): boolean {
  return (
    one.item === two.item &&
    one.day === two.day &&
    one.isFirstNew === two.isFirstNew &&
    one.isHead === two.isHead
  );
}
