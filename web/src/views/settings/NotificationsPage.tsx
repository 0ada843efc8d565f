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
      <p className={styles["lead"]}>These settings apply to this browser. Muted conversations stay silent.</p>
      {state === "unsupported" && (
        <p className={styles["note"]}>
          This browser can't show notifications for this page. Most browsers need HTTPS to show them.
        </p>
      )}
      <div role="status">
        {state === "denied" && (
          <p className={styles["note"]}>
            Notifications are blocked for this page. Allow them in your browser's settings first.
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
          <small>Notify me about new messages when I'm not looking at ChatterRoom.</small>
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
          <small>Play a short sound with each notification.</small>
        </span>
      </label>
    </div>
  );
}
