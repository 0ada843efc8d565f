// One's own account and sessions over HTTP.

import type { UserId } from "../protocol/ids";
import type { Api } from "./api";

export type Theme = "system" | "light" | "dark";

/** What the client keeps of a user on the server; what it does not know stays as it is. */
export interface Preferences {
  readonly theme?: Theme;
  readonly [name: string]: unknown;
}

export interface Account {
  readonly user_id: UserId;
  readonly username: string;
  readonly email: string;
  /** Empty for none, as the picture's address. */
  readonly display_name: string;
  readonly avatar_url: string;
  readonly created_at: string;
  readonly preferences: Preferences;
  readonly second_factor: boolean;
}

/** What is left out stays. An `avatar` is a `data:` URL, an empty one takes the picture away. */
export interface AccountChanges {
  readonly username?: string;
  readonly display_name?: string;
  readonly avatar?: string;
  /** For another username, if there is a second factor. */
  readonly code?: string;
}

export interface OwnSession {
  readonly session_id: string;
  /** The `User-Agent` of the login. */
  readonly device: string;
  readonly address: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly current: boolean;
}

export interface SessionsPage {
  readonly sessions: readonly OwnSession[];
  /** There are older ones. */
  readonly has_more: boolean;
}

/** What an authenticator needs; `uri` says the same for a QR code. */
export interface SecondFactorSecret {
  readonly secret: string;
  readonly uri: string;
}

const ME = "/user-service/me";
const SESSIONS = "/user-service/sessions";

export class AccountApi {
  private readonly api: Pick<Api, "get" | "authorised">;

  constructor(api: Pick<Api, "get" | "authorised">) {
    this.api = api;
  }

  read(): Promise<Account> {
    return this.api.get(ME);
  }

  change(changes: AccountChanges): Promise<Account> {
    return this.api.authorised({ method: "PATCH", path: ME, body: changes });
  }

  /** Set another password; all other sessions end. */
  async changePassword(current: string, next: string, code: string): Promise<void> {
    const given = { current_password: current, new_password: next };
    await this.post("/password", { ...given, ...(code === "" ? {} : { code }) });
  }

  /** Delete the account for good. */
  async remove(password: string, code: string): Promise<void> {
    await this.post("/deletion", { password, ...(code === "" ? {} : { code }) });
  }

  // Second factor

  beginSecondFactor(password: string): Promise<SecondFactorSecret> {
    return this.post("/second-factor", { password });
  }

  /** Turn it on; return the recovery codes, which are never told again. */
  async confirmSecondFactor(code: string): Promise<readonly string[]> {
    const answer = await this.post<{ recovery_codes: string[] }>("/second-factor/confirm", { code });
    return answer.recovery_codes;
  }

  async removeSecondFactor(password: string, code: string): Promise<void> {
    await this.post("/second-factor/removal", { password, code });
  }

  // Sessions

  /** Return one's newest sessions, newest first. */
  sessions(): Promise<SessionsPage> {
    return this.api.get(`${SESSIONS}?limit=200`);
  }

  async endSession(sessionId: string): Promise<void> {
    await this.api.authorised({ method: "DELETE", path: `${SESSIONS}/${sessionId}` });
  }

  /** End all but this one; return how many there were. */
  async endOtherSessions(): Promise<number> {
    const answer = await this.api.authorised<{ ended: number }>({ method: "DELETE", path: SESSIONS });
    return answer.ended;
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.api.authorised({ method: "POST", path: ME + path, body });
  }
}
