// What the next message answers, or which message is being changed.

import { useMessage, useUserName } from "../../app/hooks";
import type { MessageId } from "../../protocol/ids";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { previewOf } from "../conversation/preview";
import styles from "./Composer.module.css";

interface Props {
  /** Names the text, for who is described by it. */
  id: string;
  kind: "reply" | "edit";
  messageId: MessageId;
  onCancel(): void;
}

export function About({ id, kind, messageId, onCancel }: Props) {
  const message = useMessage(messageId);
  const name = useUserName(message?.sender_id ?? "");
  const text = message?.deleted ? "Message deleted" : message === null ? "…" : previewOf(message.message);
  return (
    <div className={styles["about"]} data-kind={kind}>
      <p id={id}>
        <strong>{kind === "edit" ? "Editing your message" : `Replying to ${name}`}</strong>
        <span className={styles["quoted"]}>{text}</span>
      </p>
      <IconButton
        label={kind === "edit" ? "Cancel edit" : "Cancel reply"}
        title="Escape"
        onClick={onCancel}
      >
        <Icon name="close" size={18} />
      </IconButton>
    </div>
  );
}
