// What the user prefers, on all devices. A platform that does not keep it yet answers 404: then it
// lives as long as the page.

import type { ConversationId } from "../protocol/ids";
import type { Api } from "../session/api";
import { ApiError } from "../session/errors";

const PATH = "/user-service/me";
const NOT_FOUND = 404;
const AGAIN_AFTER_MS = 30_000;

/** Other parts of the client may keep keys of their own in it, at most 8 KiB together. */
export type Kept = Readonly<Record<string, unknown>>;

/** Lists of conversations that are kept: muted, favourites, marked as unread, closed private chats. */
export type IdList = "muted" | "favourites" | "unread" | "closed";

// All that is kept has room for about 250 ids. The muted are never dropped for new ones.
const MOST: Readonly<Record<IdList, number>> = {
  muted: Number.POSITIVE_INFINITY,
  favourites: 40,
  unread: 20,
  closed: 60,
};
const NO_IDS: ReadonlySet<ConversationId> = new Set();

export class Preferences {
  private value: Kept = {};
  private readonly lists = new Map<IdList, ReadonlySet<ConversationId>>();
  private readonly listeners = new Set<() => void>();
  private isOffered = true;
  private readAt = Number.NEGATIVE_INFINITY;
  /** Keys whose change has not been stored yet, and the number of the change. */
  private readonly pending = new Map<string, number>();
  private changes = 0;
  /** One call at a time: each change is made to what the one before has left. */
  private calls: Promise<unknown> = Promise.resolve();
  private readonly api: Pick<Api, "get" | "authorised">;
  private readonly now: () => number;

  constructor(api: Pick<Api, "get" | "authorised">, now: () => number = Date.now) {
    this.api = api;
    this.now = now;
  }

  /** Call a listener after changes; return how to stop that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Return all that is kept; the same reference until it changes. */
  readonly all = (): Kept => this.value;

  /** Return the conversations that are muted; the same reference until they change. */
  readonly muted = (): ReadonlySet<ConversationId> => this.ids("muted");

  /** Return a list; the same reference until it changes. */
  ids(list: IdList): ReadonlySet<ConversationId> {
    return this.lists.get(list) ?? NO_IDS;
  }

  /** Read anew, unless that was just done. Failures are met again the next time. */
  refresh(): void {
    if (!this.isOffered || this.now() - this.readAt < AGAIN_AFTER_MS) return;
    this.readAt = this.now();
    this.inTurn(async () => this.take(await this.read())).catch(() => {
      this.readAt = Number.NEGATIVE_INFINITY;
    });
  }

  /** Some device has changed them. */
  changed(): void {
    this.readAt = Number.NEGATIVE_INFINITY;
    this.refresh();
  }

  mute(id: ConversationId, isMuted: boolean): Promise<void> {
    return this.put("muted", id, isMuted);
  }

  /** Put a conversation into a list, or take it out. Of a full list the oldest goes. */
  put(list: IdList, id: ConversationId, isIn: boolean): Promise<void> {
    return this.change(list, (old) => {
      const left = idsIn(old).filter((each) => each !== id);
      const all = isIn ? [...left, id] : left;
      return all.slice(Math.max(0, all.length - MOST[list]));
    });
  }

  /**
   * Change what is kept under a key, which other devices may have changed meanwhile. It counts at
   * once; where it cannot be stored it is taken back, and the promise rejects.
   */
  async change(key: string, next: (old: unknown) => unknown): Promise<void> {
    const number = ++this.changes;
    const before = this.value[key];
    const mine = next(before);
    this.pending.set(key, number);
    this.hold({ ...this.value, [key]: mine });
    try {
      await this.inTurn(async () => {
        const stored = await this.read();
        if (stored === null) return;
        const preferences = { ...stored, [key]: next(stored[key]) };
        await this.api.authorised({ method: "PATCH", path: PATH, body: { preferences } });
        if (this.pending.get(key) === number) this.pending.delete(key);
        this.take(preferences);
      });
    } catch (error) {
      // What was changed after it builds on it, and is settled by its own call.
      if (this.pending.get(key) === number) this.hold({ ...this.value, [key]: before });
      throw error;
    } finally {
      if (this.pending.get(key) === number) this.pending.delete(key);
    }
  }

  /** Take what is stored, but for what is being changed here. */
  private take(stored: Kept | null): void {
    if (stored === null) return;
    const mine = [...this.pending.keys()].map((key) => [key, this.value[key]]);
    this.hold({ ...stored, ...(Object.fromEntries(mine) as Kept) });
  }

  private async read(): Promise<Kept | null> {
    if (!this.isOffered) return null;
    try {
      const { preferences } = await this.api.get<{ preferences?: Kept }>(PATH);
      return preferences ?? {};
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== NOT_FOUND) throw error;
      this.isOffered = false;
      return null;
    }
  }

  private hold(value: Kept): void {
    this.value = value;
    for (const list of Object.keys(MOST) as IdList[]) {
      const ids = idsIn(value[list]);
      const before = this.ids(list);
      if (ids.length !== before.size || !ids.every((id) => before.has(id))) this.lists.set(list, new Set(ids));
    }
    for (const listener of this.listeners) listener();
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.calls.then(task);
    this.calls = done.catch(() => undefined);
    return done;
  }
}

function idsIn(value: unknown): ConversationId[] {
  if (!Array.isArray(value)) return [];
  return value.filter((id): id is string => typeof id === "string");
}
