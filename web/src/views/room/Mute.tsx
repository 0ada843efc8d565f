import { useMuted } from "../../app/preferences";
import { useClient } from "../../app/session";
import type { ConversationId } from "../../protocol/ids";
import { Problem } from "./Problem";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

/** Switches notifications of a conversation off and on, for all devices of the user. */
export function Mute({ id }: { id: ConversationId }) {
  const { preferences } = useClient();
  const isMuted = useMuted().has(id);
  const { problem, run } = useAction();
  return (
    <section className={styles["section"]} aria-label="Notifications">
      <button
        type="button"
        role="switch"
        aria-checked={isMuted}
        className={styles["switch"]}
        onClick={() => void run(() => preferences.mute(id, !isMuted))}
      >
        <span>
          Mute
          <small>No notifications, and no unread count in the tab title</small>
        </span>
        <span className={styles["track"]} aria-hidden />
      </button>
      <Problem text={problem} />
    </section>
  );
}
