// Profiles of the users that views name, asked for together.

import type { UserId } from "../protocol/ids";
import type { Api } from "../session/api";
import { ApiError } from "../session/errors";
import type { Store } from "../store/store";

const AT_ONCE = 100;
const GATHER_MS = 20;
const AGAIN_AFTER_MS = 5_000;
/** Nobody tells of changed profiles: whoever comes into sight is asked for again after so long. */
const FRESH_MS = 60_000;
const SHOWN_LATELY = 200;

export class People {
  private readonly wanted = new Set<UserId>();
  /** When each was asked for, those that were wanted last at the end. */
  private readonly askedAt = new Map<UserId, number>();
  private isWaiting = false;
  private isStopped = false;
  private readonly api: Pick<Api, "usersById">;
  private readonly store: Store;

  constructor(api: Pick<Api, "usersById">, store: Store) {
    this.api = api;
    this.store = store;
  }

  /** See to it that a user is in the store soon, as they are about now. */
  want(userId: UserId): void {
    if (userId === "") return;
    const now = Date.now();
    const askedAt = this.askedAt.get(userId);
    const isFresh = askedAt !== undefined && now - askedAt < FRESH_MS;
    this.askedAt.delete(userId);
    this.askedAt.set(userId, isFresh ? askedAt : now);
    if (isFresh) return;
    this.wanted.add(userId);
    this.gather(GATHER_MS);
  }

  /** Ask anew for those that views have shown lately. */
  refreshShown(): void {
    this.refresh([...this.askedAt.keys()].slice(-SHOWN_LATELY));
  }

  /** Ask anew for users whose profile may have changed. */
  refresh(userIds: readonly UserId[]): void {
    for (const userId of userIds) this.wanted.add(userId);
    this.gather(GATHER_MS);
  }

  /** Ask for nobody any more. */
  stop(): void {
    this.isStopped = true;
  }

  private gather(delayMs: number): void {
    if (this.isStopped || this.isWaiting || this.wanted.size === 0) return;
    this.isWaiting = true;
    setTimeout(() => void this.ask(), delayMs);
  }

  private async ask(): Promise<void> {
    if (this.isStopped) return;
    const ids = [...this.wanted].slice(0, AT_ONCE);
    try {
      const users = await this.api.usersById(ids);
      for (const id of ids) this.wanted.delete(id);
      this.store.putUsers(users, ids);
      this.isWaiting = false;
      this.gather(0);
    } catch (error) {
      // The same question would be refused again, and keep the others waiting.
      if (isRefused(error)) for (const id of ids) this.wanted.delete(id);
      // The names are shown as soon as they can be had.
      this.isWaiting = false;
      this.gather(AGAIN_AFTER_MS);
    }
  }
}

const UNAUTHORIZED = 401;
const TOO_MANY = 429;

/** Say whether the question itself was refused, and not only for now. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.status === null) return false;
  const { status } = error;
  return status >= 400 && status < 500 && status !== UNAUTHORIZED && status !== TOO_MANY;
}
