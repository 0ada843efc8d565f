// “It wasn't me.”

import { useState } from "react";
import { useLocation } from "wouter";
import { useClient } from "../../app/session";
import type { Alert } from "../../protocol/alerts";
import { ApiError, sayError } from "../../session/errors";

export interface Disowning {
  readonly isBusy: boolean;
  readonly problem: string | null;
  /** End a session, and go to where the password can be changed. */
  disown(alert: Alert, sessionId: string): void;
}

export function useDisown(onDone: () => void): Disowning {
  const { account } = useClient();
  const [, navigate] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const disown = async (alert: Alert, sessionId: string) => {
    setBusy(true);
    setProblem(null);
    try {
      await account.api.endSession(sessionId).catch((error: unknown) => {
        // It is over already.
        if (!(error instanceof ApiError) || error.code !== "not_found") throw error;
      });
      account.sessionsChanged();
      account.see([alert.alert_id]);
      onDone();
      navigate("/settings/password?because=not-me");
    } catch (error) {
      setProblem(sayError(error));
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, problem, disown: (alert, sessionId) => void disown(alert, sessionId) };
}
