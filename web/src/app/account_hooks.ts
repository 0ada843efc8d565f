// How views read one's own account and the alerts about it.

import { useEffect, useState, useSyncExternalStore } from "react";
import type { Account, OwnSession } from "../session/account";
import type { HeldAlert } from "../store/alert_list";
import type { Cell } from "../store/cell";
import { useClient } from "./session";

const LOOK_AGAIN_MS = 10_000;

export function useCell<T>(cell: Cell<T>): T {
  return useSyncExternalStore(cell.subscribe, cell.get);
}

/** Return one's own account; null until it has been read. */
export function useAccount(): Account | null {
  return useCell(useClient().account.held);
}

/** Return the recent alerts about the account, newest first. */
export function useAlerts(): readonly HeldAlert[] {
  return useCell(useClient().account.alerts.held);
}

export interface SessionsView {
  /** Null until they have been read. */
  readonly sessions: readonly OwnSession[] | null;
  /** There are older sessions. */
  readonly hasMore: boolean;
  /** The last reading failed. */
  readonly error: unknown;
}

/** Return one's sessions, read again whenever something may have changed. */
export function useSessions(): SessionsView {
  const { account } = useClient();
  const version = useCell(account.sessionsVersion);
  const [view, setView] = useState<SessionsView>({
    sessions: null,
    hasMore: false,
    error: null,
  });
  useEffect(() => {
    let isCurrent = true;
    const read = () => {
      account.api.sessions().then(
        ({ sessions, has_more: hasMore }) =>
          isCurrent && setView({ sessions, hasMore, error: null }),
        (error: unknown) => isCurrent && setView((view) => ({ ...view, error })),
      );
    };
    const readIfSeen = () => {
      if (document.visibilityState === "visible") read();
    };
    read();
    // Somebody who logs out by themselves is not told of.
    const timer = setInterval(readIfSeen, LOOK_AGAIN_MS);
    document.addEventListener("visibilitychange", readIfSeen);
    return () => {
      isCurrent = false;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", readIfSeen);
    };
  }, [account, version]);
  return view;
}
