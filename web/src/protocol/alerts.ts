// What the server says on `/ws/alert`.

export interface AlertBase {
  readonly alert_id: string;
  /** The `User-Agent` of the login or the change; of an ended session, that of its login. */
  readonly device: string;
  readonly address: string;
  readonly at: string;
}

export interface LoginAlert extends AlertBase {
  readonly type: "login";
  readonly session_id: string;
}

export interface LoginFailedAlert extends AlertBase {
  readonly type: "login_failed";
}

export interface PasswordChangedAlert extends AlertBase {
  readonly type: "password_changed";
  readonly session_id: string;
}

export interface SecondFactorChangedAlert extends AlertBase {
  readonly type: "second_factor_changed";
  readonly session_id: string;
  readonly enabled: boolean;
}

export interface SessionEndedAlert extends AlertBase {
  readonly type: "session_ended";
  readonly session_id: string;
  readonly reason: string;
  readonly by_session_id: string | null;
}

/** Kept by the server until the session has acked it, or one that came after it. */
export type Alert =
  | LoginAlert
  | LoginFailedAlert
  | PasswordChangedAlert
  | SecondFactorChangedAlert
  | SessionEndedAlert;

export type AlertFrame =
  | Alert
  | { readonly type: "ready"; readonly session_id: string }
  | { readonly type: "profile_changed" }
  | { readonly type: "other" };

const ALERTS = new Set([
  "login",
  "login_failed",
  "password_changed",
  "second_factor_changed",
  "session_ended",
]);

/** Return the frame of a text; throw a `SyntaxError` for what is no object with a `type`. */
export function decodeAlertFrame(text: string): AlertFrame {
  const fields: unknown = JSON.parse(text);
  if (typeof fields !== "object" || fields === null || !("type" in fields)) {
    throw new SyntaxError("not an object with a type");
  }
  const isKnown =
    (ALERTS.has(String(fields.type)) && "alert_id" in fields) ||
    fields.type === "ready" ||
    fields.type === "profile_changed";
  return isKnown ? (fields as AlertFrame) : { type: "other" };
}

/** Say whether a frame is something to show. */
export function isAlert(frame: AlertFrame): frame is Alert {
  return ALERTS.has(frame.type);
}
