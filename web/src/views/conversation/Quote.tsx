// What a message answers, in a line. A click shows it where it stands.

import { useMessage, useUserName } from "../../app/hooks";
import type { MessageId } from "../../protocol/ids";
import { Icon } from "./icons";
import { previewOf } from "./preview";
import styles from "./Row.module.css";

interface Props {
  id: MessageId;
  tabIndex: number;
  onJump: (id: MessageId) => void;
}

export function Quote({ id, tabIndex, onJump }: Props) {
  const message = useMessage(id);
  const name = useUserName(message?.sender_id ?? "");
  if (message === null) {
    return (
      <p className={styles["quote"]}>
        <Icon name="reply" size={14} /> An earlier message
      </p>
    );
  }
  const text = message.deleted ? "This message was deleted" : previewOf(message.message);
  return (
    <button type="button" className={styles["quote"]} tabIndex={tabIndex} onClick={() => onJump(id)}>
      <Icon name="reply" size={14} />
      <span className="visually-hidden">In reply to </span>
      <bdi className={styles["quoted"]}>{name}</bdi>
      <span className={styles["quotedText"]} dir="auto">
        {text}
      </span>
    </button>
  );
}
