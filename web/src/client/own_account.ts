// One's own account, as far as this browser knows it, and the alerts about it.

import type { Alert } from "../protocol/alerts";
import type { UserId } from "../protocol/ids";
import { AccountApi, type Account, type AccountChanges } from "../session/account";
import type { Api } from "../session/api";
import { AlertSocket, type AlertListener } from "../socket/alert_socket";
import { AlertList } from "../store/alert_list";
import { Cell } from "../store/cell";

const AGAIN_AFTER_MS = 5_000;

export interface AccountListener {
  /** The profile or the preferences have changed. */
  changed(): void;
  /** The session is over. */
  ended(reason: Error): void;
}

export class OwnAccount implements AlertListener {
  readonly api: AccountApi;
  /** Null until it has been read. */
  readonly held = new Cell<Account | null>(null);
  readonly alerts: AlertList;
  /** Raised with everything that may have changed one's sessions. */
  readonly sessionsVersion = new Cell(0);
  private readonly socket: AlertSocket;
  private readonly sessionOf: () => string | undefined;
  private readonly listener: AccountListener;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private isStopped = false;

  constructor(api: Api, userId: UserId, storage: Storage, listener: AccountListener) {
    this.api = new AccountApi(api);
    this.alerts = new AlertList(storage, userId);
    this.listener = listener;
    this.sessionOf = () => api.credentials.current?.sessionId;
    this.socket = new AlertSocket({
      url: `${location.origin.replace(/^http/, "ws")}/ws/alert`,
      credentials: api.credentials,
      listener: this,
      probe: () => api.usersById([userId]),
    });
  }

  start(): void {
    this.read();
    this.socket.start();
    window.addEventListener("storage", this.follow);
  }

  stop(): void {
    this.isStopped = true;
    window.removeEventListener("storage", this.follow);
    if (this.retry !== null) clearTimeout(this.retry);
    this.socket.stop();
  }

  nudge(): void {
    this.socket.nudge();
  }

  /** Change the account; rejects with `ApiError` where that is refused. */
  async change(changes: AccountChanges): Promise<void> {
    this.held.set(await this.api.change(changes));
    this.listener.changed();
  }

  /** Read the account again, soon. */
  read(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    this.api.read().then(
      (account) => this.held.set(account),
      () => {
        if (!this.isStopped) this.retry = setTimeout(() => this.read(), AGAIN_AFTER_MS);
      },
    );
  }

  /** Mark alerts as seen, here and on the server; all of them where none is named. */
  see(alertIds?: readonly string[]): void {
    this.alerts.see(alertIds);
    this.ack();
  }

  sessionsChanged(): void {
    this.sessionsVersion.set(this.sessionsVersion.get() + 1);
  }

  // AlertListener

  opened(): void {
    this.alerts.begin();
    this.sessionsChanged();
  }

  alert(alert: Alert): void {
    this.alerts.take(alert, actorOf(alert) === this.sessionOf());
    this.ack();
    if (alert.type !== "login_failed") this.sessionsChanged();
    if (alert.type === "second_factor_changed") this.read();
  }

  profileChanged(): void {
    this.read();
    this.listener.changed();
  }

  ended(reason: Error): void {
    this.listener.ended(reason);
  }

  private ack(): void {
    const alertId = this.alerts.nextAck();
    if (alertId !== null) this.socket.ack(alertId);
  }

  private readonly follow = (event: StorageEvent) => {
    this.alerts.follow(event.key);
    this.ack();
  };
}

/** Return the session in which somebody did what an alert is about; null if nobody did, or it is not known. */
function actorOf(alert: Alert): string | null {
  if (alert.type === "login_failed") return null;
  return alert.type === "session_ended" ? alert.by_session_id : alert.session_id;
}
