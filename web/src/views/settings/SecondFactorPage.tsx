// A code beside the password at each login.

import { useState, type FormEvent } from "react";
import { useAccount } from "../../app/account_hooks";
import { useClient } from "../../app/session";
import type { SecondFactorSecret } from "../../session/account";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { QrCode } from "../../ui/QrCode";
import { CODE_FIELDS, CodeField, codeOf } from "./CodeField";
import { Outcome } from "./Outcome";
import { RecoveryCodes } from "./RecoveryCodes";
import { useAction } from "./useAction";
import { Waiting } from "./Waiting";
import styles from "./Page.module.css";

const FIELDS = {
  wrong_credentials: "password",
  "field:password": "password",
  ...CODE_FIELDS,
};

export function SecondFactorPage() {
  const account = useAccount();
  const [secret, setSecret] = useState<SecondFactorSecret | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  if (account === null) return <Waiting />;
  if (codes !== null) return <RecoveryCodes codes={codes} onKept={() => setCodes(null)} />;
  if (account.second_factor) return <Removal />;
  return secret === null ? (
    <Beginning onBegun={setSecret} />
  ) : (
    <Confirmation
      secret={secret}
      onConfirmed={(given) => {
        setSecret(null);
        setCodes(given);
      }}
      onCancelled={() => setSecret(null)}
    />
  );
}

function Beginning({ onBegun }: { onBegun: (secret: SecondFactorSecret) => void }) {
  const { api } = useClient().account;
  const action = useAction(FIELDS);
  const begin = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    void action.run(async () => onBegun(await api.beginSecondFactor(password)));
  };
  return (
    <form className={styles["form"]} onSubmit={begin}>
      <p className={styles["lead"]}>
        Two-factor authentication is off. Turn it on to log in with your password and a code
        from an authenticator app on your phone. A stolen password is then not enough to log in
        as you.
      </p>
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
        problem={action.problemOf("password")}
      />
      <Button kind="primary" type="submit" disabled={action.isBusy}>
        Set up
      </Button>
      <Outcome action={action} done="" />
    </form>
  );
}

interface ConfirmationProps {
  secret: SecondFactorSecret;
  onConfirmed: (codes: readonly string[]) => void;
  onCancelled: () => void;
}

function Confirmation({ secret, onConfirmed, onCancelled }: ConfirmationProps) {
  const own = useClient().account;
  const action = useAction(FIELDS);
  const confirm = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const code = codeOf(new FormData(event.currentTarget));
    void action.run(async () => {
      onConfirmed(await own.api.confirmSecondFactor(code));
      own.read();
    });
  };
  return (
    <form className={styles["form"]} onSubmit={confirm}>
      <ol className={styles["steps"]}>
        <li>
          <p>Scan this QR code with your authenticator app.</p>
          <QrCode text={secret.uri} label="QR code for an authenticator app" />
          <p className={styles["soft"]}>Can't scan it? Enter this key in the app:</p>
          <code className={styles["secret"]}>{inGroups(secret.secret)}</code>
        </li>
        <li>
          <Field
            label="Enter the 6-digit code"
            name="code"
            autoComplete="one-time-code"
            inputMode="numeric"
            required
            problem={action.problemOf("code")}
          />
        </li>
      </ol>
      <div className={styles["actions"]}>
        <Button kind="primary" type="submit" disabled={action.isBusy}>
          Turn on
        </Button>
        <Button kind="quiet" disabled={action.isBusy} onClick={onCancelled}>
          Cancel
        </Button>
      </div>
      <Outcome action={action} done="" />
    </form>
  );
}

function Removal() {
  const own = useClient().account;
  const action = useAction(FIELDS);
  const remove = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    const code = codeOf(new FormData(event.currentTarget));
    void action.run(async () => {
      await own.api.removeSecondFactor(password, code);
      own.read();
    });
  };
  return (
    <form className={styles["form"]} onSubmit={remove}>
      <p className={styles["lead"]}>
        Two-factor authentication is on. To log in, you need a code from your authenticator app
        or a recovery code. To use another app, turn it off and set it up again.
      </p>
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
        problem={action.problemOf("password")}
      />
      <CodeField action={action} />
      <Button kind="danger" type="submit" disabled={action.isBusy}>
        Turn off
      </Button>
      <Outcome action={action} done="" />
    </form>
  );
}

function inGroups(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, "$1 ");
}
