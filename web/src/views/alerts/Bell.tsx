// The recent alerts about the account, behind a bell.

import { useRef, useState, type ToggleEvent } from "react";
import { Link } from "wouter";
import { useAlerts, useSessions } from "../../app/account_hooks";
import { useClient } from "../../app/session";
import type { Alert } from "../../protocol/alerts";
import type { OwnSession } from "../../session/account";
import type { HeldAlert } from "../../store/alert_list";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { shortTime } from "../../ui/times";
import { useDisown } from "./useDisown";
import { wordsOf } from "./words";
import styles from "./Bell.module.css";

/** The id of the panel: whatever names it as its `popoverTarget` opens it. */
export const ALERTS_PANEL = "alerts-panel";

export function Bell() {
  const alerts = useAlerts();
  const { account } = useClient();
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const unseen = alerts.filter(({ isSeen }) => !isSeen);

  const toggles = (event: ToggleEvent<HTMLDivElement>) => {
    setOpen(event.newState === "open");
    if (event.newState !== "open") return;
    setFresh(new Set(unseen.map(({ alert }) => alert.alert_id)));
    account.see();
  };
  const close = () => panel.current?.hidePopover();
  return (
    <>
      <IconButton
        className={styles["bell"] ?? ""}
        popoverTarget={ALERTS_PANEL}
        label={unseen.length === 0 ? "Alerts" : `Alerts, ${unseen.length} new`}
      >
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden>
          <path
            d="M6 16.5V11a6 6 0 1 1 12 0v5.5l1.5 2h-15zM10 21h4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.8"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        {unseen.length > 0 && <span className={styles["count"]}>{Math.min(unseen.length, 99)}</span>}
      </IconButton>
      <div
        ref={panel}
        id={ALERTS_PANEL}
        popover="auto"
        role="dialog"
        aria-label="Alerts"
        className={styles["panel"]}
        onBeforeToggle={toggles}
      >
        <header className={styles["header"]}>
          <h2>Alerts</h2>
          <Link href="/settings/sessions" onClick={close}>
            Your sessions
          </Link>
          <IconButton label="Close" onClick={close}>
            <Icon name="close" size={18} />
          </IconButton>
        </header>
        {alerts.length === 0 ? (
          <p className={styles["empty"]}>
            No alerts yet. Logins and changes to your account will appear here.
          </p>
        ) : (
          isOpen && <Alerts alerts={alerts} fresh={fresh} onDone={close} />
        )}
      </div>
    </>
  );
}

interface AlertsProps {
  alerts: readonly HeldAlert[];
  fresh: ReadonlySet<string>;
  onDone: () => void;
}

function Alerts({ alerts, fresh, onDone }: AlertsProps) {
  const { sessions } = useSessions();
  return (
    <ul className={styles["list"]}>
      {alerts.map(({ alert }) => (
        <AlertRow
          key={alert.alert_id}
          alert={alert}
          running={sessions}
          isFresh={fresh.has(alert.alert_id)}
          onDone={onDone}
        />
      ))}
    </ul>
  );
}

interface RowProps {
  alert: Alert;
  /** Null until they have been read. */
  running: readonly OwnSession[] | null;
  isFresh: boolean;
  onDone: () => void;
}

function AlertRow({ alert, running, isFresh, onDone }: RowProps) {
  const { title, detail, suspect } = wordsOf(alert);
  const { isBusy, problem, disown } = useDisown(onDone);
  const isOver = running !== null && running.every((session) => session.session_id !== suspect);
  return (
    <li className={styles["row"]} data-fresh={isFresh || undefined}>
      <p className={styles["title"]}>
        <strong>{title}</strong>
        <time dateTime={alert.at}>{shortTime(alert.at)}</time>
      </p>
      <p className={styles["detail"]}>{detail}</p>
      {problem !== null && (
        <p className={styles["problem"]} role="alert">
          {problem}
        </p>
      )}
      {suspect !== null && isOver && <p className={styles["detail"]}>This session has ended.</p>}
      {suspect !== null && running !== null && !isOver && (
        <Button kind="quiet" disabled={isBusy} onClick={() => disown(alert, suspect)}>
          It wasn't me
        </Button>
      )}
    </li>
  );
}
