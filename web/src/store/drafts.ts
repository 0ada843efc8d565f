// What was begun and not sent, by place, kept in this browser.
//
// Each tab keeps its own text of a place, over a reload, too. Where a tab has none, it begins with
// what was written last in any tab.

import type { UserId } from "../protocol/ids";
import { keepIfPossible, type PlaceKey } from "./outgoing";

export class Drafts {
  private readonly shared: Storage;
  private readonly own: Storage;
  private readonly prefix: string;
  /** Places at which this tab has sent or deleted its text: those of other tabs are not taken up. */
  private readonly done = new Set<PlaceKey>();
  private readonly watchers = new Map<PlaceKey, Set<() => void>>();

  /** `shared` is of all tabs, `own` of this one. */
  constructor(shared: Storage, own: Storage, userId: UserId) {
    this.shared = shared;
    this.own = own;
    this.prefix = `chatterroom.draft.${userId}.`;
  }

  get(place: PlaceKey): string {
    const key = this.prefix + place;
    if (this.done.has(place)) return "";
    return this.own.getItem(key) ?? this.shared.getItem(key) ?? "";
  }

  /** Keep a text; an empty one is forgotten. */
  set(place: PlaceKey, text: string): void {
    const key = this.prefix + place;
    const before = this.get(place);
    if (text === "") {
      this.done.add(place);
      this.own.removeItem(key);
      // Another tab may have written something else since.
      if (this.shared.getItem(key) === before) this.shared.removeItem(key);
    } else {
      this.done.delete(place);
      keepIfPossible(this.own, key, text);
      keepIfPossible(this.shared, key, text);
    }
    for (const watcher of this.watchers.get(place) ?? []) watcher();
  }

  /** Call a watcher after each change of a draft in this tab; return how to stop that. */
  watch(place: PlaceKey, watcher: () => void): () => void {
    const watchers = this.watchers.get(place) ?? new Set();
    this.watchers.set(place, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watchers.get(place) === watchers) this.watchers.delete(place);
    };
  }

  /** How many texts a logout would delete. */
  get size(): number {
    const keys = [...this.keysIn(this.shared), ...this.keysIn(this.own)];
    return new Set(keys.filter((key) => (this.own.getItem(key) ?? this.shared.getItem(key))?.trim())).size;
  }

  clear(): void {
    for (const storage of [this.shared, this.own]) {
      for (const key of this.keysIn(storage)) storage.removeItem(key);
    }
  }

  /** Another tab has logged out: forget what this one keeps. A session that has expired keeps it. */
  clearIfOthersDid(): void {
    if (this.keysIn(this.shared).length === 0) this.clear();
  }

  private keysIn(storage: Storage): string[] {
    const all = Array.from({ length: storage.length }, (_, at) => storage.key(at));
    return all.filter((key) => key?.startsWith(this.prefix)) as string[];
  }
}
