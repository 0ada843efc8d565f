// Where one is logged in.

import { useSessions } from "../../app/account_hooks";
import { useClient, useSession } from "../../app/session";
import type { OwnSession } from "../../session/account";
import { isHandheld, sayDevice } from "../../session/device";
import { ApiError, sayError } from "../../session/errors";
import { Button } from "../../ui/Button";
import { shortMoment } from "../../ui/times";
import { Outcome } from "./Outcome";
import { useAction } from "./useAction";
import { Waiting } from "./Waiting";
import styles from "./Page.module.css";

export function SessionsPage() {
  const { account } = useClient();
  const { sessions, hasMore, error } = useSessions();
  const action = useAction();
  const endOthers = () =>
    void action.run(async () => {
      await account.api.endOtherSessions();
      account.sessionsChanged();
    });
  return (
    <>
      <p className={styles["lead"]}>
        These are the devices you're logged in on. Ending a session logs that device out immediately.
      </p>
      {error !== null && (
        <p className={styles["problem"]} role="alert">
          {sayError(error)}
        </p>
      )}
      {sessions === null ? (
        error === null && <Waiting />
      ) : (
        <div className={styles["part"]}>
          <ul className={styles["list"]} aria-label="Sessions">
            {ordered(sessions).map((session) => (
              <Row key={session.session_id} session={session} />
            ))}
          </ul>
          {hasMore && <p className={styles["soft"]}>Older sessions are not shown.</p>}
          <Button kind="danger" disabled={action.isBusy || sessions.length < 2} onClick={endOthers}>
            End all other sessions
          </Button>
          <Outcome action={action} done="All other sessions have ended." />
        </div>
      )}
    </>
  );
}

function Row({ session }: { session: OwnSession }) {
  const { account } = useClient();
  const { logOut } = useSession();
  const action = useAction();
  const end = () =>
    void action.run(async () => {
      if (session.current) return logOut();
      await account.api.endSession(session.session_id).catch((error: unknown) => {
        // It is over already.
        if (!(error instanceof ApiError) || error.code !== "not_found") throw error;
      });
      account.sessionsChanged();
    });
  return (
    <li>
      <DeviceIcon isHandheld={isHandheld(session.device)} />
      <div>
        <p className={styles["name"]}>
          <strong title={session.device}>{sayDevice(session.device)}</strong>
          {session.current && <span className={styles["badge"]}>This device</span>}
        </p>
        <p className={styles["soft"]}>
          {session.address || "Unknown address"} ·{" "}
          <span className={styles["whole"]}>since {shortMoment(session.created_at)}</span>
        </p>
        <p className={styles["soft"]}>
          Last seen{" "}
          <time dateTime={session.last_seen_at}>
            {session.current ? "now" : shortMoment(session.last_seen_at)}
          </time>
        </p>
        {action.problem !== null && (
          <p className={styles["problem"]} role="alert">
            {action.problem}
          </p>
        )}
      </div>
      <Button
        disabled={action.isBusy}
        onClick={end}
        aria-label={
          session.current ? "Log out on this device" : `End session: ${sayDevice(session.device)}`
        }
      >
        {session.current ? "Log out" : "End"}
      </Button>
    </li>
  );
}

function DeviceIcon({ isHandheld: isSmall }: { isHandheld: boolean }) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden>
      <path
        d={isSmall ? "M8 3h8v18H8zM11 18h2" : "M4 5h16v11H4zM2 19h20"}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** This device first, then the last seen. */
function ordered(sessions: readonly OwnSession[]): readonly OwnSession[] {
  return sessions.toSorted(
    (one, two) =>
      Number(two.current) - Number(one.current) ||
      two.last_seen_at.localeCompare(one.last_seen_at),
  );
}
