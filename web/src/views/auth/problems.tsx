// What was refused, and at which field it is shown.

import { ApiError, sayError } from "../../session/errors";
import styles from "./AuthView.module.css";

/** By the name of a field; `form` for what concerns none of them. */
export type Problems = Readonly<Record<string, string | null>>;

const FIELDS: Record<string, string> = {
  email_taken: "email",
  username_taken: "username",
  weak_password: "password",
  second_factor_wrong: "code",
};

/** Return the field that was refused; null where it is none of them. */
export function fieldOf(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  const named = error.data["field"];
  return FIELDS[error.code] ?? (typeof named === "string" ? named : null);
}

/** Return a sentence for people. */
export function sayRefusal(error: unknown): string {
  if (!(error instanceof ApiError)) return sayError(error);
  if (error.code === "rate_limited" && error.retryAfterS !== null) {
    return `Too many attempts. Try again in ${span(error.retryAfterS)}.`;
  }
  return sayError(error);
}

function span(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 90) return whole === 1 ? "1 second" : `${whole} seconds`;
  return `${Math.ceil(whole / 60)} minutes`;
}

/** Put the focus on the first field with a problem, once it is shown. */
export function focusFirstProblem(form: HTMLFormElement | null): void {
  setTimeout(() => form?.querySelector<HTMLInputElement>("input[aria-invalid]")?.focus());
}

export function Problem({ text }: { text: string | null | undefined }) {
  return <div role="alert">{text && <p className={styles["problem"]}>{text}</p>}</div>;
}
