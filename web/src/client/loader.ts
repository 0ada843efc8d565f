// Reads over HTTP what the socket does not tell of the past, into the store. Each thing once at a
// time.

import { isPrivate, placeOf, type ConversationId, type MessageId } from "../protocol/ids";
import { ApiError } from "../session/errors";
import type { Api, HistoryMessage, Page, PageQuery } from "../session/api";
import type { Store } from "../store/store";

const PAGE = 50;
/** With fewer of the newest messages a conversation is not shown yet. */
export const WORTH_SHOWING = 20;
/** If nothing but notices is on so many pages, messages are read without them: thousands may have come. */
const PAGES_WITH_NOTICES = 3;
const TRIES = 3;
/** Of so many pinned messages or members with marks are the pages read, and not of more. */
const PINS_AT_MOST = 1_000;
const MARKS_AT_MOST = 1_000;

export class Loader {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly api: Api;
  private readonly store: Store;

  constructor(api: Api, store: Store) {
    this.api = api;
    this.store = store;
  }

  /** Read the whole list of conversations; what has been read is shown meanwhile. */
  list(): Promise<void> {
    return this.once("list", async () => {
      let cursor = "";
      do {
        await this.read(
          () => this.api.conversations(cursor),
          (page) => {
            for (const each of page.conversations) this.store.conversation(each.conversation_id).list(each);
            cursor = page.next_cursor;
          },
        );
      } while (cursor !== "");
      this.store.setListRead();
    });
  }

  /** Read the newest messages, where they are not held. */
  newest(id: ConversationId): Promise<void> {
    return this.once(`newest ${id}`, () => this.page(id, {}));
  }

  /** Read what comes before the message at `index`. */
  older(id: ConversationId, index: number): Promise<void> {
    const seq = this.store.conversation(id).at(index)?.seq;
    if (seq === undefined) return Promise.resolve();
    return this.once(`older ${id} ${seq}`, () => this.page(id, { before: seq }));
  }

  /** Read what comes after the message at `index`. */
  newer(id: ConversationId, index: number): Promise<void> {
    const seq = this.store.conversation(id).at(index)?.seq;
    if (seq === undefined) return Promise.resolve();
    return this.once(`newer ${id} ${seq}`, () => this.page(id, { after: seq }));
  }

  /** Read a message, what comes before it and what comes after it. */
  async around(messageId: MessageId): Promise<void> {
    const { conversationId: id, seq } = placeOf(messageId);
    await this.once(`around ${messageId}`, async () => {
      await this.page(id, { after: seq - 1 });
      const index = this.store.conversation(id).message(messageId)?.message_index;
      if (index !== undefined) await this.page(id, { before: seq });
    });
  }

  /** Read one message, where it is not held. */
  async message(messageId: MessageId): Promise<void> {
    const { conversationId: id, seq } = placeOf(messageId);
    if (this.store.conversation(id).message(messageId) !== undefined) return;
    await this.once(`one ${messageId}`, () => this.page(id, { after: seq - 1, limit: 1 }));
  }

  /** Find the first message at or after a moment, and read around it; null where there is none. */
  aroundMoment(id: ConversationId, moment: Date): Promise<MessageId | null> {
    const wanted = moment.toISOString();
    return this.aroundFirst(id, 0, (message) => message.created_at >= wanted);
  }

  /** Find the message with an index, or what may be read after it, and read around it. */
  aroundIndex(id: ConversationId, index: number): Promise<MessageId | null> {
    // No message comes before the entry with its number.
    return this.aroundFirst(id, index - 1, (message) => message.message_index >= index);
  }

  /** Read a room's name and settings, and its members as far as they fit a page. */
  room(id: ConversationId): Promise<void> {
    return this.once(`room ${id}`, () => this.roomPage(id, ""));
  }

  /** Read the members of a room whom the first page had no place for. */
  members(id: ConversationId): Promise<void> {
    return this.once(`members ${id}`, async () => {
      for (;;) {
        const cursor = this.store.conversation(id).furtherMembers;
        if (cursor === null || cursor === "") return;
        await this.roomPage(id, cursor);
      }
    });
  }

  /** Read how far the members have read; of a very large room, of some of them. */
  marks(id: ConversationId): Promise<void> {
    return this.once(`marks ${id}`, async () => {
      let cursor = "";
      let read = 0;
      do {
        await this.read(
          () => this.api.marks(id, cursor),
          ({ marks, next_cursor: next }) => {
            this.store.conversation(id).raise(marks);
            cursor = next;
            read += marks.length;
          },
        );
      } while (cursor !== "" && read < MARKS_AT_MOST);
    });
  }

  /** Read the pinned messages; of very many, the newest. */
  pins(id: ConversationId): Promise<void> {
    return this.once(`pins ${id}`, () =>
      this.read(
        () => this.pinned(id),
        (messages) => this.store.conversation(id).pin(messages),
      ),
    );
  }

  /** Find the first message after `low` that is one of the wanted, which are all at the end. */
  private async aroundFirst(
    id: ConversationId,
    low: number,
    isWanted: (message: HistoryMessage) => boolean,
  ): Promise<MessageId | null> {
    let high = Math.max(this.store.conversation(id).lastMessage?.seq ?? 0, 1);
    let found: MessageId | null = null;
    // The first message above `low` is looked at until nothing is left between.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const { messages } = await this.history(id, { after: middle, limit: 1 });
      const first = messages[0];
      if (first === undefined || isWanted(first)) {
        if (first !== undefined) found = first.id;
        high = middle;
      } else {
        low = first.seq;
      }
    }
    if (found !== null) await this.around(found);
    return found;
  }

  /**
   * Read a page of messages, and what happened between them. That may fill pages of its own: then it
   * is read on until there are some messages.
   */
  private async page(id: ConversationId, query: PageQuery): Promise<void> {
    const goesBack = query.after === undefined;
    const wanted = goesBack && query.before === undefined ? WORTH_SHOWING + 1 : 1;
    let next: PageQuery | null = query;
    let oldest: number | null = null;
    let count = 0;
    for (let pages = 0; next !== null; pages += 1) {
      const hasNotices = !isPrivate(id) && pages < PAGES_WITH_NOTICES;
      const notices = hasNotices ? { entries: "notices" as const } : {};
      const asked: PageQuery = { limit: PAGE, ...next, ...notices };
      await this.read(
        () => this.history(id, asked),
        ({ messages, entries = [], has_more: hasMore }) => {
          const conversation = this.store.conversation(id);
          conversation.hold(messages);
          conversation.holdNotices(entries);
          oldest = messages[0]?.message_index ?? oldest;
          count += messages.length;
          if (goesBack && !hasMore) {
            const index = oldest ?? conversation.indexAt(query.before ?? 0);
            if (index !== null) conversation.beginsWith(index);
            else if (query.before === undefined) conversation.beginsAfterHidden();
          }
          const seqs = [...messages, ...entries].map(({ seq }) => seq);
          const isEnough = !hasMore || count >= wanted || seqs.length === 0;
          const from = goesBack ? { before: Math.min(...seqs) } : { after: Math.max(...seqs) };
          next = isEnough ? null : { ...query, ...from };
        },
      );
    }
  }

  private history(id: ConversationId, query: PageQuery): Promise<Page> {
    if (!isPrivate(id)) return this.api.roomHistory(id, query);
    return this.api.privateHistory(this.store.conversation(id).peerId, query);
  }

  private roomPage(id: ConversationId, cursor: string): Promise<void> {
    return this.read(
      () => this.api.room(id, cursor),
      (room) => this.store.conversation(id).detail(room, cursor),
    );
  }

  private async pinned(id: ConversationId): Promise<HistoryMessage[]> {
    let all: readonly HistoryMessage[] = [];
    let hasMore = true;
    while (hasMore && all.length < PINS_AT_MOST) {
      const page = await this.api.pins(id, all[0]?.seq);
      all = [...page.messages, ...all];
      hasMore = page.has_more;
    }
    return [...all];
  }

  private async read<T>(ask: () => Promise<T>, putIn: (answer: T) => void): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const reading = this.store.beginReading();
      let answer: T;
      try {
        answer = await ask();
      } catch (error) {
        this.store.endReading(reading, null);
        throw error;
      }
      if (this.store.endReading(reading, () => putIn(answer))) return;
      if (tries === TRIES) throw new ApiError("out_of_date", "This conversation is changing too fast to load. Try again.");
    }
  }

  private once<T>(key: string, task: () => Promise<T>): Promise<T> {
    const running = this.running.get(key) as Promise<T> | undefined;
    if (running !== undefined) return running;
    const started = task().finally(() => this.running.delete(key));
    this.running.set(key, started);
    return started;
  }
}
