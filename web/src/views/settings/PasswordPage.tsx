// Another password.

import { useRef, type FormEvent } from "react";
import { useSearchParams } from "wouter";
import { useAccount } from "../../app/account_hooks";
import { useClient } from "../../app/session";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { CODE_FIELDS, CodeField, codeOf } from "./CodeField";
import { Outcome } from "./Outcome";
import { useAction } from "./useAction";
import styles from "./Page.module.css";

const FIELDS = {
  wrong_credentials: "current",
  weak_password: "next",
  "field:current_password": "current",
  "field:new_password": "next",
  ...CODE_FIELDS,
};

export function PasswordPage() {
  const own = useClient().account;
  const account = useAccount();
  const [search] = useSearchParams();
  const form = useRef<HTMLFormElement>(null);
  const action = useAction(FIELDS);

  const change = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    void action.run(async () => {
      const [current, next] = [String(given.get("current")), String(given.get("next"))];
      await own.api.changePassword(current, next, codeOf(given));
      form.current?.reset();
      own.sessionsChanged();
    });
  };
  return (
    <>
      {search.get("because") === "not-me" && !action.isDone && (
        <p className={styles["note"]}>
          That session was ended. Someone else may know your password. Change it now so that
          they can't log in again.
        </p>
      )}
      <p className={styles["lead"]}>Changing your password ends all your other sessions.</p>
      <form ref={form} className={styles["form"]} onSubmit={change}>
        {/* Tells password managers whose it is. */}
        <input name="username" autoComplete="username" value={account?.email ?? ""} readOnly hidden />
        <Field
          label="Current password"
          name="current"
          type="password"
          autoComplete="current-password"
          required
          problem={action.problemOf("current")}
        />
        <Field
          label="New password"
          name="next"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          hint="At least 8 characters. Don't use a common password, your name, or your email."
          problem={action.problemOf("next")}
        />
        {account?.second_factor === true && <CodeField action={action} />}
        <div className={styles["actions"]}>
          <Button kind="primary" type="submit" disabled={action.isBusy}>
            Change password
          </Button>
        </div>
        <Outcome action={action} done="Password changed. Your other sessions have ended." />
      </form>
    </>
  );
}
