// Keeps a copy of what this browser shows, for the next page. One of the tabs' copies counts: each is
// complete in itself.

import type { ConversationId, UserId } from "../protocol/ids";
import { keepIfPossible } from "../store/outgoing";
import { copyOf, parseCopy, restore } from "../store/page_copy";
import type { Store } from "../store/store";

/** A browser keeps about five million characters of a site; drafts and unsent messages come first. */
const MAX_CHARACTERS = 1_000_000;

export class KeptPage {
  private readonly storage: Storage;
  private readonly key: string;
  private readonly store: Store;

  constructor(storage: Storage, userId: UserId, store: Store) {
    this.storage = storage;
    this.key = `chatterroom.page.${userId}`;
    this.store = store;
  }

  /** Show what the last page has kept; return up to where each conversation is held. */
  restore(): ReadonlyMap<ConversationId, number> {
    const copy = parseCopy(this.storage.getItem(this.key));
    try {
      return copy === null ? new Map() : restore(this.store, copy);
    } catch {
      // Not what this version writes: everything is read from the server.
      this.clear();
      return new Map();
    }
  }

  keep(seqOf: (id: ConversationId) => number): void {
    const text = JSON.stringify(copyOf(this.store, seqOf));
    if (text.length > MAX_CHARACTERS) this.clear();
    else keepIfPossible(this.storage, this.key, text);
  }

  clear(): void {
    this.storage.removeItem(this.key);
  }
}
