// Something a form does: one at a time, with its error.

import { useState } from "react";
import { ApiError, sayError } from "../../session/errors";

export interface Action {
  readonly isBusy: boolean;
  /** Whether the last went well. */
  readonly isDone: boolean;
  /** What went wrong, for people, where it is not about one of the fields. */
  readonly problem: string | null;
  /** Return what is wrong with a field. */
  problemOf(field: string): string | null;
  run(act: () => Promise<unknown>): Promise<void>;
  /** Forget how the last went. */
  reset(): void;
}

/** `fields`: the form's own, by the codes that are about them. */
export function useAction(fields: Readonly<Record<string, string>> = {}): Action {
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const field = fieldOf(error, fields);
  return {
    isBusy,
    isDone,
    problem: error !== null && field === null ? sayError(error) : null,
    problemOf: (name) => (field === name ? sayError(error) : null),
    reset: () => {
      setDone(false);
      setError(null);
    },
    run: async (act) => {
      setBusy(true);
      setDone(false);
      setError(null);
      try {
        await act();
        setDone(true);
      } catch (problem) {
        setError(problem);
      } finally {
        setBusy(false);
      }
    },
  };
}

function fieldOf(error: unknown, fields: Readonly<Record<string, string>>): string | null {
  if (!(error instanceof ApiError)) return null;
  const named = error.data["field"];
  return fields[error.code] ?? (typeof named === "string" ? (fields[`field:${named}`] ?? null) : null);
}
