// Alerts in words.

import type { Alert } from "../../protocol/alerts";
import { sayDevice } from "../../session/device";

export interface AlertWords {
  readonly title: string;
  readonly detail: string;
  /** The session to end for somebody who says that it was not them; null where there is none. */
  readonly suspect: string | null;
  readonly isGrave: boolean;
}

export function wordsOf(alert: Alert): AlertWords {
  const where = `${sayDevice(alert.device)}, ${alert.address}`;
  switch (alert.type) {
    case "login":
      return {
        title: "New login to your account",
        detail: where,
        suspect: alert.session_id,
        isGrave: false,
      };
    case "login_failed":
      return {
        title: "Someone tried to log in as you",
        detail: `Wrong password or code. ${where}`,
        suspect: null,
        isGrave: false,
      };
    case "password_changed":
      return {
        title: "Your password was changed",
        detail: where,
        suspect: alert.session_id,
        isGrave: true,
      };
    case "second_factor_changed":
      return {
        title: `Two-factor authentication was turned ${alert.enabled ? "on" : "off"}`,
        detail: where,
        suspect: alert.session_id,
        isGrave: true,
      };
    case "session_ended":
      return alert.reason === "refresh_token_reused"
        ? {
            title: "A session was ended to protect your account",
            detail: `Someone may have copied its login. ${where}`,
            suspect: null,
            isGrave: true,
          }
        : {
            title: "A session was ended",
            detail: where,
            suspect: alert.by_session_id,
            isGrave: false,
          };
  }
}
