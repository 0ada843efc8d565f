// What this browser tells while nobody looks.

import { useCell } from "../../app/account_hooks";
import { useNotifications } from "../../app/notifications";
import { useClient } from "../../app/session";
import { chime } from "../../ui/chime";
import styles from "./Page.module.css";

export function NotificationsPage() {
  const { device } = useClient();
  const { sound } = useCell(device.held);
  const { state, turnOn, turnOff } = useNotifications();
  return (
    <div className={styles["part"]}>
      <p className={styles["lead"]}>These hold for this browser. Muted conversations stay silent.</p>
      {state === "unsupported" && (
        <p className={styles["note"]}>
          This browser shows no notifications of this page. Most do over HTTPS only.
        </p>
      )}
      <div role="status">
        {state === "denied" && (
          <p className={styles["note"]}>
            This browser forbids notifications of this page. Permit them in its settings first.
          </p>
        )}
      </div>
      <label className={styles["switch"]}>
        <input
          type="checkbox"
          role="switch"
          checked={state === "on"}
          disabled={state === "unsupported" || state === "denied"}
          onChange={(event) => {
            if (event.target.checked) void turnOn();
            else turnOff();
          }}
        />
        <span>
          Show notifications
          <small>Of new messages, while ChatterRoom is not looked at.</small>
        </span>
      </label>
      <label className={styles["switch"]}>
        <input
          type="checkbox"
          role="switch"
          checked={sound}
          onChange={(event) => {
            device.change({ sound: event.target.checked });
            if (event.target.checked) chime();
          }}
        />
        <span>
          Play a sound
          <small>A short one, with each notification.</small>
        </span>
      </label>
    </div>
  );
}
