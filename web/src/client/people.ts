// Profiles of the users that views name, asked for together.

import type { UserId } from "../protocol/ids";
import type { Api } from "../session/api";
import type { Store } from "../store/store";

const AT_ONCE = 100;
const GATHER_MS = 20;
const AGAIN_AFTER_MS = 5_000;

export class People {
  private readonly wanted = new Set<UserId>();
  private readonly asked = new Set<UserId>();
  private isWaiting = false;
  private readonly api: Pick<Api, "usersById">;
  private readonly store: Store;

  constructor(api: Pick<Api, "usersById">, store: Store) {
    this.api = api;
    this.store = store;
  }

  /** See to it that a user is in the store soon. */
  want(userId: UserId): void {
    if (userId === "" || this.asked.has(userId) || this.store.users.has(userId)) return;
    this.asked.add(userId);
    this.wanted.add(userId);
    this.gather(GATHER_MS);
  }

  /** Ask anew for users whose profile may have changed. */
  refresh(userIds: readonly UserId[]): void {
    for (const userId of userIds) this.wanted.add(userId);
    this.gather(GATHER_MS);
  }

  private gather(delayMs: number): void {
    if (this.isWaiting || this.wanted.size === 0) return;
    this.isWaiting = true;
    setTimeout(() => void this.ask(), delayMs);
  }

  private async ask(): Promise<void> {
    const ids = [...this.wanted].slice(0, AT_ONCE);
    try {
      const users = await this.api.usersById(ids);
      for (const id of ids) this.wanted.delete(id);
      this.store.putUsers(users);
      this.isWaiting = false;
      this.gather(0);
    } catch {
      // The names are shown as soon as they can be had.
      this.isWaiting = false;
      this.gather(AGAIN_AFTER_MS);
    }
  }
}
