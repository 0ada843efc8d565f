// The end of an account.

import { useState, type FormEvent } from "react";
import { useAccount } from "../../app/account_hooks";
import { useClient, useSession } from "../../app/session";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { CODE_FIELDS, CodeField, codeOf } from "./CodeField";
import { Outcome } from "./Outcome";
import { useAction } from "./useAction";
import { Waiting } from "./Waiting";
import styles from "./Page.module.css";

const FIELDS = {
  wrong_credentials: "password",
  "field:password": "password",
  ...CODE_FIELDS,
};

export function DeletionPage() {
  const { api } = useClient().account;
  const { leave } = useSession();
  const account = useAccount();
  const [typed, setTyped] = useState("");
  const action = useAction(FIELDS);
  if (account === null) return <Waiting />;

  const remove = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    void action.run(async () => {
      await api.remove(String(given.get("password")), codeOf(given));
      leave("Your account was deleted.");
    });
  };
  return (
    <form className={styles["form"]} onSubmit={remove}>
      <p className={styles["note"]}>
        This can't be undone. Your messages stay, shown as “Deleted user”. Your name, email,
        password, picture and sessions are erased, and you leave all rooms.
      </p>
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
        problem={action.problemOf("password")}
      />
      {account.second_factor && <CodeField action={action} />}
      <Field
        label={`Type your username, ${account.username}, to confirm`}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
      />
      <Button
        kind="danger"
        type="submit"
        disabled={action.isBusy || typed !== account.username}
      >
        Delete my account
      </Button>
      <Outcome action={action} done="" />
    </form>
  );
}
