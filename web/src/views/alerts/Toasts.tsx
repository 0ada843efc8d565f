// Alerts as they happen, and those that came while nobody was here. They stay until they are put
// away: they are about who can read one's messages.

import { useMemo } from "react";
import { useAlerts } from "../../app/account_hooks";
import { useClient } from "../../app/session";
import type { Alert } from "../../protocol/alerts";
import type { HeldAlert } from "../../store/alert_list";
import { Button } from "../../ui/Button";
import { shortTime } from "../../ui/times";
import { ALERTS_PANEL } from "./Bell";
import { useDisown } from "./useDisown";
import { wordsOf } from "./words";
import styles from "./Toasts.module.css";

const MAX_SHOWN = 2;

export function Toasts() {
  const held = useAlerts();
  const groups = useMemo(() => groupsOf(held), [held]);
  const { account } = useClient();
  const shown = groups.slice(0, MAX_SHOWN);
  const hidden = groups.length - shown.length;
  return (
    <section className={styles["toasts"]} aria-label="New alerts">
      <ul className={styles["list"]} aria-live="polite" aria-relevant="additions">
        {shown.map((alerts) => (
          <Toast key={alerts.at(-1)?.alert_id} alerts={alerts} />
        ))}
      </ul>
      {hidden > 0 && (
        <div className={styles["more"]}>
          <Button popoverTarget={ALERTS_PANEL} popoverTargetAction="show">
            {hidden} more
          </Button>
          <Button onClick={() => account.see()}>Dismiss all</Button>
        </div>
      )}
    </section>
  );
}

/** Return what was not seen, newest first; somebody who tries many passwords counts as one. */
function groupsOf(held: readonly HeldAlert[]): readonly (readonly Alert[])[] {
  const unseen = held.filter(({ isSeen }) => !isSeen).map(({ alert }) => alert);
  const failed = unseen.filter(({ type }) => type === "login_failed");
  return unseen
    .filter((alert) => alert.type !== "login_failed" || alert === failed[0])
    .map((alert) => (alert === failed[0] ? failed : [alert]));
}

function Toast({ alerts }: { alerts: readonly Alert[] }) {
  const { account } = useClient();
  const { isBusy, problem, disown } = useDisown(() => undefined);
  const [alert] = alerts;
  if (alert === undefined) return null;
  const { title, detail, suspect, isGrave } = wordsOf(alert);
  return (
    <li className={styles["toast"]} data-grave={isGrave || undefined}>
      <p className={styles["title"]}>
        <strong>
          {title}
          {alerts.length > 1 && `, ${alerts.length} times`}
        </strong>
        <time dateTime={alert.at}>{shortTime(alert.at)}</time>
      </p>
      <p className={styles["detail"]}>{detail}</p>
      {problem !== null && (
        <p className={styles["problem"]} role="alert">
          {problem}
        </p>
      )}
      <div className={styles["actions"]}>
        {suspect !== null && (
          <Button kind="danger" disabled={isBusy} onClick={() => disown(alert, suspect)}>
            It wasn't me
          </Button>
        )}
        <Button disabled={isBusy} onClick={() => account.see(alerts.map((each) => each.alert_id))}>
          {suspect === null ? "Dismiss" : "Yes, it was me"}
        </Button>
      </div>
    </li>
  );
}
