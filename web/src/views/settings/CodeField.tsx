// Where a code is given that an account with a second factor asks for.

import { Field } from "../../ui/Field";
import type { Action } from "./useAction";

/** Which refusals belong to this field. */
export const CODE_FIELDS = {
  second_factor_wrong: "code",
  second_factor_required: "code",
  "field:code": "code",
};

export function CodeField({ action }: { action: Action }) {
  return (
    <Field
      label="Code"
      name="code"
      autoComplete="one-time-code"
      required
      hint="Enter a code from your authenticator app, or a recovery code."
      problem={action.problemOf("code")}
    />
  );
}

/** Return the code in a form; empty if it has none. */
export function codeOf(given: FormData): string {
  return String(given.get("code") ?? "").trim();
}
