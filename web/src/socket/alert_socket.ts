// The alert socket: what happens to the account, on a connection that is kept up. It repeats
// nothing and orders nothing: the server tells again what was not acked.

import { decodeAlertFrame, isAlert, type Alert, type AlertFrame } from "../protocol/alerts";
import type { Credentials } from "../session/credentials";
import { ApiError, LoggedOutError } from "../session/errors";
import { Backoff } from "./backoff";
import { BROWSER_CLOCK, type Clock, type WebSocketLike } from "./session_socket";

export interface AlertListener {
  /** A connection begins: all that is not acked is told again. */
  opened(): void;
  alert(alert: Alert): void;
  /** The user's own profile or preferences have changed. */
  profileChanged(): void;
  /** The session is over. */
  ended(reason: Error): void;
}

export interface AlertSocketOptions {
  readonly url: string;
  readonly credentials: Pick<Credentials, "current" | "fresh" | "renewed">;
  readonly listener: AlertListener;
  /** Ask over HTTP whether the session still holds: a browser is not told why a handshake fails. */
  readonly probe: () => Promise<unknown>;
  readonly open?: (url: string, protocols: string[]) => WebSocketLike;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const BACKOFF_BASE_MS = 250;
const BACKOFF_CAP_MS = 15_000;
const STABLE_MS = 5_000;
const OPEN_WITHIN_MS = 15_000;
const PING_AFTER_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
const STAY_AWAY = 4400;
const TOKEN_EXPIRED = 4401;
const TOO_MANY_MESSAGES = 4429;
const NORMAL = 1000;
const OPEN = 1;

export class AlertSocket {
  private readonly options: AlertSocketOptions;
  private readonly clock: Clock;
  private readonly backoff: Backoff;
  private socket: WebSocketLike | null = null;
  private token = "";
  private isStopped = false;
  private readySince: number | null = null;
  /** Until another attempt, or until this connection has to show a sign of life. */
  private timer: number | null = null;
  private isWaiting = false;

  constructor(options: AlertSocketOptions) {
    this.options = options;
    this.clock = options.clock ?? BROWSER_CLOCK;
    this.backoff = new Backoff(BACKOFF_BASE_MS, BACKOFF_CAP_MS, options.random ?? Math.random);
  }

  /** Connect, and again after every loss. */
  start(): void {
    void this.connect();
  }

  /** Leave for good. */
  stop(): void {
    this.isStopped = true;
    this.leave();
  }

  /** The network is back, or the page is looked at again: do not wait. */
  nudge(): void {
    this.backoff.reset();
    if (this.isWaiting) void this.connect();
    else if (this.readySince !== null) this.ping();
  }

  /** Say that an alert and all before it were seen; without a connection it is told again. */
  ack(alertId: string): void {
    this.write({ type: "ack", alert_id: alertId });
  }

  private async connect(): Promise<void> {
    this.setTimer(OPEN_WITHIN_MS, () => this.again(0));
    this.isWaiting = false;
    try {
      this.token = await this.options.credentials.fresh();
    } catch (error) {
      this.refused(error);
      return;
    }
    const user = this.options.credentials.current;
    if (this.isStopped || this.isWaiting || this.socket !== null || user === null) return;
    const open = this.options.open ?? ((url, protocols) => new WebSocket(url, protocols));
    const socket = open(`${this.options.url}?userId=${user.userId}`, [
      "chatterroom.v1",
      `bearer.${this.token}`,
    ]);
    this.socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.read(String(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event.code, wasOpen);
    };
  }

  private closed(code: number, wasOpen: boolean): void {
    this.leave();
    if (code === TOKEN_EXPIRED) this.againAfter(this.options.credentials.renewed(this.token));
    else if (code >= STAY_AWAY && code < 5000 && code !== TOO_MANY_MESSAGES) this.stop();
    else if (wasOpen) this.again(0);
    else this.againAfter(this.options.probe());
  }

  private againAfter(check: Promise<unknown>): void {
    check.then(
      () => this.again(0),
      (error: unknown) => this.refused(error),
    );
  }

  private refused(error: unknown): void {
    if (this.isStopped) return;
    if (error instanceof LoggedOutError) {
      this.stop();
      this.options.listener.ended(error);
    } else {
      this.again(error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0);
    }
  }

  private again(pauseMs: number): void {
    this.leave();
    if (this.isStopped) return;
    this.isWaiting = true;
    this.setTimer(pauseMs + this.backoff.nextDelay(), () => void this.connect());
  }

  private leave(): void {
    if (this.timer !== null) this.clock.clearTimeout(this.timer);
    this.timer = null;
    if (this.readySince !== null && this.clock.now() - this.readySince >= STABLE_MS) {
      this.backoff.reset();
    }
    this.readySince = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close(NORMAL);
  }

  private read(text: string): void {
    let frame: AlertFrame;
    try {
      frame = decodeAlertFrame(text);
    } catch {
      this.again(0);
      return;
    }
    const { listener } = this.options;
    if (frame.type === "ready") {
      this.readySince = this.clock.now();
      listener.opened();
    }
    if (this.readySince !== null) this.setTimer(PING_AFTER_MS, () => this.ping());
    if (isAlert(frame)) listener.alert(frame);
    else if (frame.type === "profile_changed") listener.profileChanged();
  }

  private ping(): void {
    this.write({ type: "ping" });
    this.setTimer(PONG_WITHIN_MS, () => this.again(0));
  }

  private write(command: object): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(command));
  }

  private setTimer(delayMs: number, task: () => void): void {
    if (this.timer !== null) this.clock.clearTimeout(this.timer);
    this.timer = this.clock.setTimeout(() => {
      this.timer = null;
      task();
    }, delayMs);
  }
}
