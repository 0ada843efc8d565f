// The tokens of one user, kept in this browser, renewed in time, one renewal at a time.
//
// A refresh token works once, for all tabs together. So a renewal holds a lock of the browser, and
// looks first whether another tab has renewed meanwhile.

import type { UserId } from "../protocol/ids";
import { ApiError, LoggedOutError } from "./errors";

export interface Tokens {
  readonly token: string;
  readonly refresh_token: string;
  readonly user_id: UserId;
  readonly session_id: string;
  readonly expires_in: number;
}

interface Kept extends Tokens {
  /** By this machine's clock, in milliseconds. */
  readonly expires_at: number;
}

/** The part of `Storage` that is used. */
export type KeyValues = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Runs one task at a time of all tabs. */
export type Exclusively = <T>(task: () => Promise<T>) => Promise<T>;

export const TOKENS_KEY = "chatterroom.tokens";
const UNAUTHORIZED = 401;
// The last part of a token's life, in which it is renewed while it still works.
const RENEWAL_PART = 0.2;
const MAX_RENEWAL_MS = 60_000;

/**
 * Return a lock over all tabs. Browsers offer it on secure origins only; elsewhere two tabs that
 * renew in the same moment lose their session, and log in again.
 */
export function tabLock(name: string): Exclusively {
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) return (task) => task();
  return <T>(task: () => Promise<T>) => locks.request(name, task) as Promise<T>;
}

export class Credentials {
  private renewal: Promise<Kept> | null = null;
  private readonly storage: KeyValues;
  private readonly refresh: (refreshToken: string) => Promise<Tokens>;
  private readonly exclusively: Exclusively;
  private readonly now: () => number;

  constructor(
    storage: KeyValues,
    refresh: (refreshToken: string) => Promise<Tokens>,
    exclusively: Exclusively,
    now: () => number = Date.now,
  ) {
    this.storage = storage;
    this.refresh = refresh;
    this.exclusively = exclusively;
    this.now = now;
  }

  /** Return who is logged in; null for nobody. */
  get current(): { userId: UserId; sessionId: string } | null {
    const kept = this.kept();
    return kept === null ? null : { userId: kept.user_id, sessionId: kept.session_id };
  }

  /** Keep the tokens of a new session. */
  take(tokens: Tokens): void {
    this.keep(tokens);
  }

  /** Be nobody again. */
  forget(): void {
    this.storage.removeItem(TOKENS_KEY);
  }

  /**
   * Return an access token that should be accepted. Throws `LoggedOutError` where there is no
   * session, and `ConnectionLostError` or `ApiError` where a renewal fails for now.
   */
  async fresh(): Promise<string> {
    const kept = this.known();
    const left = kept.expires_at - this.now();
    if (left <= 0) return this.renewed(kept.token);
    if (left < Math.min(MAX_RENEWAL_MS, kept.expires_in * 1000 * RENEWAL_PART)) {
      // It still works: nobody waits for the next one, and a failure is met again later.
      this.renewed(kept.token).catch(() => undefined);
    }
    return kept.token;
  }

  /**
   * Return another access token than the one that was refused; throws as `fresh` does. A refusal
   * of the refresh token ends the session: the tokens are forgotten.
   */
  async renewed(refused: string): Promise<string> {
    if (this.known().token === refused) {
      this.renewal ??= this.exclusively(() => this.trade(refused)).finally(() => {
        this.renewal = null;
      });
      await this.renewal;
    }
    return this.known().token;
  }

  private async trade(refused: string): Promise<Kept> {
    const old = this.known();
    if (old.token !== refused) return old; // another tab was first
    try {
      const tokens = await this.refresh(old.refresh_token);
      // Kept before it is used; unless somebody logged in or out meanwhile.
      return this.kept()?.token === old.token ? this.keep(tokens) : this.known();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== UNAUTHORIZED) throw error;
      if (this.kept()?.token === old.token) this.forget();
      throw new LoggedOutError("the session has ended");
    }
  }

  private keep(tokens: Tokens): Kept {
    const kept = { ...tokens, expires_at: this.now() + tokens.expires_in * 1000 };
    this.storage.setItem(TOKENS_KEY, JSON.stringify(kept));
    return kept;
  }

  private known(): Kept {
    const kept = this.kept();
    if (kept === null) throw new LoggedOutError("log in first");
    return kept;
  }

  private kept(): Kept | null {
    const text = this.storage.getItem(TOKENS_KEY);
    if (text === null) return null;
    try {
      return JSON.parse(text) as Kept;
    } catch {
      return null;
    }
  }
}
