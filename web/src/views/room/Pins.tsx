import { useEffect, useId } from "react";
import { Link } from "wouter";
import { useConnection, useMessage, useUserName } from "../../app/hooks";
import { pathOf } from "../../app/routes";
import { useClient } from "../../app/session";
import { placeOf, type MessageId } from "../../protocol/ids";
import type { PlaceKey } from "../../store/outgoing";
import type { ConversationDetails } from "../../store/selectors";
import { Button } from "../../ui/Button";
import { shortTime } from "../../ui/times";
import { previewOf } from "../conversation/preview";
import { Problem } from "./Problem";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

interface Props {
  conversation: ConversationDetails;
}

/** The pinned messages, newest first. */
export function Pins({ conversation: { id, place, pins } }: Props) {
  const { loader } = useClient();
  const isLive = useConnection() === "live";
  const headingId = useId();
  const isMissing = pins === null;
  const { problem, run } = useAction();
  useEffect(() => {
    if (isLive && isMissing) void run(() => loader.pins(id));
    // Not again when the outcome of the last reading changes `run`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [loader, id, isLive, isMissing]);
  const newestFirst = [...(pins ?? [])].toSorted((one, two) => placeOf(two).seq - placeOf(one).seq);
  return (
    <section className={styles["section"]} aria-labelledby={headingId}>
      <h3 id={headingId}>Pinned messages</h3>
      {isMissing && problem === null && <p className={styles["soft"]}>Loading…</p>}
      {pins?.size === 0 && <p className={styles["soft"]}>No pinned messages yet.</p>}
      <ul className={styles["pins"]}>
        {newestFirst.map((messageId) => (
          <Pin key={messageId} place={place} messageId={messageId} />
        ))}
      </ul>
      <Problem text={problem} />
    </section>
  );
}

function Pin({ place, messageId }: { place: PlaceKey; messageId: MessageId }) {
  const client = useClient();
  const message = useMessage(messageId);
  const name = useUserName(message?.sender_id ?? "");
  const { isBusy, problem, run } = useAction();
  return (
    <li>
      <Link href={pathOf(place, messageId)} className={styles["pin"]}>
        <span className={styles["pin-meta"]}>
          <strong>{name}</strong>
          <time dateTime={message?.created_at}>{shortTime(message?.created_at ?? "")}</time>
        </span>
        <span className={styles["pin-text"]}>{message === null ? "…" : previewOf(message.message)}</span>
      </Link>
      <Button
        kind="quiet"
        className={styles["small"] ?? ""}
        aria-label={`Unpin message from ${name}`}
        disabled={isBusy}
        onClick={() => void run(() => client.pin(messageId, true))}
      >
        Unpin
      </Button>
      <Problem text={problem} />
    </li>
  );
}
