// Log in: email and password, then the code of a second factor where the account has one.

import { useRef, useState, type FormEvent } from "react";
import { Link } from "wouter";
import { PATHS } from "../../app/routes";
import { useSession } from "../../app/session";
import { ApiError } from "../../session/errors";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import styles from "./AuthView.module.css";
import { problemOfEmail } from "./checks";
import { fieldOf, focusFirstProblem, Problem, sayRefusal, type Problems } from "./problems";
import { PasswordField } from "./PasswordField";

export function LogIn() {
  const { api, begin, ended } = useSession();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [needsCode, setNeedsCode] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const refuse = (found: Problems) => {
    setProblems(found);
    focusFirstProblem(form.current);
  };
  const send = async (code?: string) => {
    setBusy(true);
    setProblems({});
    try {
      await api.logIn(email.trim(), password, code);
      begin();
    } catch (error) {
      setBusy(false);
      if (error instanceof ApiError && error.code === "second_factor_required") {
        return setNeedsCode(true);
      }
      refuse({ [fieldOf(error) ?? "form"]: sayRefusal(error) });
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found: Problems = {
      email: problemOfEmail(email.trim()),
      password: password === "" ? "Enter your password." : null,
    };
    if (found["email"] || found["password"]) refuse(found);
    else void send();
  };

  if (needsCode) {
    return (
      <CodeStep
        isBusy={isBusy}
        problem={problems["code"] ?? problems["form"] ?? null}
        onCode={(code) => void send(code)}
        onBack={() => {
          setNeedsCode(false);
          setPassword("");
          setProblems({});
        }}
      />
    );
  }
  return (
    <form ref={form} className={styles["form"]} onSubmit={submit} noValidate aria-labelledby="auth">
      <h1 id="auth">Log in</h1>
      <p role="status" className={styles["note"]}>
        {ended}
      </p>
      <Field
        label="Email"
        name="email"
        type="email"
        autoComplete="username"
        inputMode="email"
        required
        value={email}
        problem={problems["email"] ?? null}
        onChange={(event) => setEmail(event.target.value)}
      />
      <PasswordField
        name="password"
        autoComplete="current-password"
        required
        value={password}
        problem={problems["password"] ?? null}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Problem text={problems["form"]} />
      <Button kind="primary" type="submit" disabled={isBusy}>
        {isBusy ? "Logging in…" : "Log in"}
      </Button>
      <p className={styles["other"]}>
        New to ChatterRoom? <Link href={PATHS.register}>Create an account</Link>
      </p>
    </form>
  );
}

interface CodeProps {
  isBusy: boolean;
  problem: string | null;
  onCode: (code: string) => void;
  onBack: () => void;
}

function CodeStep({ isBusy, problem, onCode, onBack }: CodeProps) {
  const [code, setCode] = useState("");
  const [isEmpty, setEmpty] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = code.replace(/\s/g, "");
    setEmpty(wanted === "");
    if (wanted !== "") onCode(wanted);
  };
  return (
    <form className={styles["form"]} onSubmit={submit} noValidate aria-labelledby="auth">
      <h1 id="auth">Enter your code</h1>
      <p className={styles["note"]}>
        Your account uses two-factor authentication. Open your authenticator app and enter the
        6-digit code.
      </p>
      <Field
        label="Code"
        name="code"
        autoComplete="one-time-code"
        inputMode="text"
        autoCapitalize="none"
        spellCheck={false}
        // eslint-disable-next-line jsx-a11y-x/no-autofocus -- the step has one field
        autoFocus
        required
        hint="Don't have your phone? Enter a recovery code."
        value={code}
        problem={isEmpty ? "Enter the code." : problem}
        onChange={(event) => {
          setCode(event.target.value);
          setEmpty(false);
        }}
      />
      <Button kind="primary" type="submit" disabled={isBusy}>
        {isBusy ? "Checking…" : "Continue"}
      </Button>
      <Button kind="quiet" onClick={onBack}>
        Back
      </Button>
    </form>
  );
}
