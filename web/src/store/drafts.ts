// What was begun and not sent, by place, kept in this browser.

import type { UserId } from "../protocol/ids";
import { keepIfPossible, type PlaceKey } from "./outgoing";

export class Drafts {
  private readonly storage: Storage;
  private readonly prefix: string;
  private readonly watchers = new Map<PlaceKey, Set<() => void>>();

  constructor(storage: Storage, userId: UserId) {
    this.storage = storage;
    this.prefix = `chatterroom.draft.${userId}.`;
  }

  get(place: PlaceKey): string {
    return this.storage.getItem(this.prefix + place) ?? "";
  }

  /** Keep a text; an empty one is forgotten. */
  set(place: PlaceKey, text: string): void {
    if (text === "") this.storage.removeItem(this.prefix + place);
    else keepIfPossible(this.storage, this.prefix + place, text);
    for (const watcher of this.watchers.get(place) ?? []) watcher();
  }

  /** Call a watcher after each change of a draft; return how to stop that. */
  watch(place: PlaceKey, watcher: () => void): () => void {
    const watchers = this.watchers.get(place) ?? new Set();
    this.watchers.set(place, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watchers.get(place) === watchers) this.watchers.delete(place);
    };
  }

  clear(): void {
    for (let at = this.storage.length - 1; at >= 0; at -= 1) {
      const key = this.storage.key(at);
      if (key?.startsWith(this.prefix)) this.storage.removeItem(key);
    }
  }
}
