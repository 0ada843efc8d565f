// Register and log in.

import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import { PATHS } from "../../app/routes";
import { useSession } from "../../app/session";
import { ApiError, sayError } from "../../session/errors";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import styles from "./AuthView.module.css";

export function AuthView({ mode }: { mode: "login" | "register" }) {
  const { api, begin, ended } = useSession();
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const isNew = mode === "register";

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    setError(null);
    try {
      if (isNew) await api.register(text("username"), text("email"), text("password"));
      await api.logIn(text("email"), text("password"), needsCode ? text("code") : undefined);
      begin();
    } catch (problem) {
      const isAsked = problem instanceof ApiError && problem.code === "second_factor_required";
      if (isAsked) setNeedsCode(true);
      else setError(problem);
      setBusy(false);
    }
  };

  const field = fieldOf(error);
  const problemOf = (name: string) => (field === name ? sayError(error) : null);
  return (
    <main className={styles["page"]}>
      <form className={styles["card"]} onSubmit={submit} aria-labelledby="auth-title">
        <p className={styles["brand"]}>
          <img src="/icon.svg" alt="" width={36} height={36} /> ChatterRoom
        </p>
        <h1 id="auth-title">{isNew ? "Create an account" : "Log in"}</h1>
        {ended && !error && <p role="status">{ended}</p>}
        {isNew && (
          <Field
            label="Username"
            name="username"
            autoComplete="username"
            required
            minLength={3}
            maxLength={32}
            problem={problemOf("username")}
          />
        )}
        <Field
          label="Email"
          name="email"
          type="email"
          autoComplete="email"
          required
          problem={problemOf("email")}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          required
          minLength={isNew ? 8 : 1}
          {...(isNew ? { hint: "At least eight characters." } : {})}
          problem={problemOf("password")}
        />
        {needsCode && (
          <Field
            label="Code"
            name="code"
            autoComplete="one-time-code"
            inputMode="numeric"
            required
            hint="From your authenticator, or a recovery code."
          />
        )}
        <div role="alert">
          {error !== null && field === null && (
            <p className={styles["problem"]}>{sayError(error)}</p>
          )}
        </div>
        <Button kind="primary" type="submit" disabled={isBusy}>
          {isNew ? "Register" : "Log in"}
        </Button>
        <p className={styles["other"]}>
          {isNew ? "Registered already? " : "New here? "}
          <Link href={isNew ? PATHS.logIn : PATHS.register}>
            {isNew ? "Log in" : "Create an account"}
          </Link>
        </p>
      </form>
    </main>
  );
}

const FIELDS: Record<string, string> = {
  email_taken: "email",
  username_taken: "username",
  weak_password: "password",
};

/** Return the field that was refused; null where it is none of them. */
function fieldOf(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  const named = error.data["field"];
  return FIELDS[error.code] ?? (typeof named === "string" ? named : null);
}
