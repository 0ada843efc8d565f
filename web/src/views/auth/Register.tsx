// Create an account, and log in to it.

import { useRef, useState, type FormEvent } from "react";
import { Link } from "wouter";
import { PATHS } from "../../app/routes";
import { useSession } from "../../app/session";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import styles from "./AuthView.module.css";
import {
  isLongEnough,
  PASSWORD_RULES,
  problemOfEmail,
  problemOfNewPassword,
  problemOfUsername,
  USERNAME_RULE,
} from "./checks";
import { fieldOf, focusFirstProblem, Problem, sayRefusal, type Problems } from "./problems";
import { PasswordField } from "./PasswordField";

export function Register() {
  const { api, begin } = useSession();
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problems, setProblems] = useState<Problems>({});
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // The account there is already, where only the login after it has failed.
  const registered = useRef<string | null>(null);
  const isLong = isLongEnough(password);

  const refuse = (found: Problems) => {
    setProblems(found);
    focusFirstProblem(form.current);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found: Problems = {
      username: problemOfUsername(username.trim()),
      email: problemOfEmail(email.trim()),
      password: problemOfNewPassword(password),
    };
    if (Object.values(found).some(Boolean)) return refuse(found);
    setBusy(true);
    setProblems({});
    try {
      const account = JSON.stringify([username.trim(), email.trim(), password]);
      if (registered.current !== account) {
        await api.register(username.trim(), email.trim(), password);
        registered.current = account;
      }
      await api.logIn(email.trim(), password);
      begin();
    } catch (error) {
      setBusy(false);
      refuse({ [fieldOf(error) ?? "form"]: sayRefusal(error) });
    }
  };
  return (
    <form ref={form} className={styles["form"]} onSubmit={submit} noValidate aria-labelledby="auth">
      <h1 id="auth">Create an account</h1>
      <Field
        label="Username"
        name="username"
        autoComplete="nickname"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={32}
        {...(problems["username"] ? { problem: problems["username"] } : { hint: USERNAME_RULE })}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
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
      <div className={styles["password"]}>
        <PasswordField
          name="password"
          autoComplete="new-password"
          required
          value={password}
          problem={problems["password"] ?? null}
          onChange={(event) => setPassword(event.target.value)}
        />
        <ul className={styles["rules"]} aria-label="Password requirements">
          <li data-kept={isLong || undefined}>
            <span className={styles["sign"]}>{isLong && <Icon name="check" size={14} />}</span>
            {PASSWORD_RULES.long}
            {isLong && <span className="visually-hidden">, done</span>}
          </li>
          <li>
            <span className={styles["dot"]} />
            {PASSWORD_RULES.rare}
          </li>
        </ul>
      </div>
      <Problem text={problems["form"]} />
      <Button kind="primary" type="submit" disabled={isBusy}>
        {isBusy ? "Creating your account…" : "Create account"}
      </Button>
      <p className={styles["other"]}>
        Already have an account? <Link href={PATHS.logIn}>Log in</Link>
      </p>
    </form>
  );
}
