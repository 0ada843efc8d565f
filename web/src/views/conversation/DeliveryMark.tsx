// Ticks behind one's own message: stored, received, read; in a room also by how many.

import { useStore } from "../../app/hooks";
import type { Message } from "../../store/message";
import { useRowActions } from "./actions";
import { deliveryOf } from "./delivery";
import { Icon } from "./icons";
import styles from "./Row.module.css";

export function DeliveryMark({ message, tabIndex }: { message: Message; tabIndex: number }) {
  const { openReaders } = useRowActions();
  const { conversation_id: id, message_index: index, sender_id } = message;
  // As a text, so that it is the same for the same state.
  const counts = useStore((store) => {
    const { readers, receivers } = deliveryOf(store.conversation(id), index, sender_id);
    return `${readers.length} ${receivers.length}`;
  });
  const isPrivate = useStore((store) => store.conversation(id).kind === "private");
  const [readers = 0, receivers = 0] = counts.split(" ").map(Number);
  const state = readers > 0 ? "read" : receivers > 0 ? "delivered" : "sent";
  const icon = <Icon name={state === "sent" ? "sent" : "arrived"} size={15} />;
  if (isPrivate || state === "sent") {
    const label = { read: "Read", delivered: "Delivered", sent: "Sent" }[state];
    return (
      <span className={styles["ticks"]} data-state={state} role="img" aria-label={label} title={label}>
        {icon}
      </span>
    );
  }
  const label = readers > 0 ? `Read by ${readers}` : `Delivered to ${receivers}`;
  return (
    <button
      type="button"
      className={styles["ticks"]}
      data-inline
      data-state={state}
      tabIndex={tabIndex}
      aria-label={label}
      title={label}
      aria-haspopup="dialog"
      onClick={(event) => openReaders(message, event.currentTarget.getBoundingClientRect())}
    >
      {icon}
      <span aria-hidden>{readers > 0 ? readers : receivers}</span>
    </button>
  );
}
