// The recent alerts about the account and which of them were seen, kept in this browser: the server
// forgets those that were acked.

import type { Alert } from "../protocol/alerts";
import type { UserId } from "../protocol/ids";
import { Cell } from "./cell";
import { keepIfPossible } from "./outgoing";

export interface HeldAlert {
  readonly alert: Alert;
  readonly isSeen: boolean;
}

const MAX_HELD = 50;

export class AlertList {
  /** Newest first. */
  readonly held: Cell<readonly HeldAlert[]>;
  private readonly storage: Storage;
  private readonly key: string;
  /** In the order in which the server told them on this connection; those before were acked. */
  private told: string[] = [];

  constructor(storage: Storage, userId: UserId) {
    this.storage = storage;
    this.key = `chatterroom.alerts.${userId}`;
    this.held = new Cell(this.load());
  }

  /** A connection begins. */
  begin(): void {
    this.told = [];
  }

  /** Take an alert. Return whether it is new to this browser. What one did oneself counts as seen. */
  take(alert: Alert, isOwn = false): boolean {
    this.told.push(alert.alert_id);
    const held = this.load();
    if (held.some((each) => each.alert.alert_id === alert.alert_id)) {
      this.held.set(held);
      return false;
    }
    this.keep([{ alert, isSeen: isOwn }, ...held].slice(0, MAX_HELD));
    return true;
  }

  /** Mark alerts as seen; all of them where none is named. */
  see(alertIds?: readonly string[]): void {
    const held = this.load().map((each) =>
      each.isSeen || alertIds?.includes(each.alert.alert_id) === false
        ? each
        : { ...each, isSeen: true },
    );
    this.keep(held);
  }

  /**
   * Return the last alert that can be acked, null where there is none: an `ack` counts for all
   * before it, so all before it must have been seen. Each is returned once per connection.
   */
  nextAck(): string | null {
    const unseen = new Set<string>();
    for (const each of this.held.get()) if (!each.isSeen) unseen.add(each.alert.alert_id);
    const end = this.told.findIndex((id) => unseen.has(id));
    const acked = this.told.splice(0, end === -1 ? this.told.length : end);
    return acked.at(-1) ?? null;
  }

  /** Another tab has changed what is kept. */
  follow(key: string | null): void {
    if (key === this.key) this.held.set(this.load());
  }

  clear(): void {
    this.storage.removeItem(this.key);
    this.held.set([]);
  }

  private keep(held: readonly HeldAlert[]): void {
    keepIfPossible(this.storage, this.key, JSON.stringify(held));
    this.held.set(held);
  }

  private load(): readonly HeldAlert[] {
    try {
      const kept: unknown = JSON.parse(this.storage.getItem(this.key) ?? "[]");
      return Array.isArray(kept) ? (kept as HeldAlert[]) : [];
    } catch {
      return [];
    }
  }
}
