// The tokens of one user, kept in this browser, renewed in time, one renewal at a time.
//
// A refresh token works once, and for a while its repeats get the same successor. So that tabs seldom
// renew at the same time, a renewal holds a lock of the browser if there are locks, and looks first
// whether another tab has renewed meanwhile. What this tab sees of the storage may be old: a refusal
// ends the session only if no other pair appears.

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

// Without locks tabs wait for random times, so that most find what the first has renewed.
const SPREAD_MS = 300;
// After a refusal another tab's pair is looked for so often, and in such steps.
const LOOKS = 20;
const LOOK_MS = 100;

export type Pause = (ms: number) => Promise<void>;

const pause: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Return a lock over all tabs. Browsers offer it on secure origins only; elsewhere it spreads them. */
export function tabLock(name: string): Exclusively {
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) return (task) => pause(Math.random() * SPREAD_MS).then(task);
  return <T>(task: () => Promise<T>) => locks.request(name, task) as Promise<T>;
}

export class Credentials {
  private renewal: Promise<Kept> | null = null;
  private readonly storage: KeyValues;
  private readonly refresh: (refreshToken: string) => Promise<Tokens>;
  private readonly exclusively: Exclusively;
  private readonly now: () => number;
  private readonly pause: Pause;

  constructor(
    storage: KeyValues,
    refresh: (refreshToken: string) => Promise<Tokens>,
    exclusively: Exclusively,
    now: () => number = Date.now,
    pauseFor: Pause = pause,
  ) {
    this.storage = storage;
    this.refresh = refresh;
    this.exclusively = exclusively;
    this.now = now;
    this.pause = pauseFor;
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

  /** Be nobody again. With a session given, only if that one is kept. */
  forget(sessionId?: string): void {
    if (sessionId !== undefined && this.current?.sessionId !== sessionId) return;
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
   * of the refresh token ends the session, unless another tab has a pair that lives: the tokens are
   * forgotten.
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
      const other = await this.otherThan(old);
      if (other !== null) return other;
      this.forget(old.session_id);
      throw new LoggedOutError("the session has ended");
    }
  }

  /** Return a pair that another tab has got; null if none appears. */
  private async otherThan(old: Kept): Promise<Kept | null> {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const kept = this.kept();
      if (kept === null) return null;
      if (kept.refresh_token !== old.refresh_token) return kept;
      await this.pause(LOOK_MS);
    }
    return null;
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
