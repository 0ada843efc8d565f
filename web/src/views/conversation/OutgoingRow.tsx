// A message of one's own on its way, or one that did not get through.

import { memo } from "react";
import { useUser, useUserName } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { OutgoingMessage } from "../../store/outgoing";
import { Avatar } from "../../ui/Avatar";
import { timeOfDay } from "../../ui/times";
import { useRowActions } from "./actions";
import { Icon } from "./icons";
import { MessageText } from "./MessageText";
import { Quote } from "./Quote";
import styles from "./Row.module.css";

interface Props {
  outgoing: OutgoingMessage;
  isHead: boolean;
  isActive: boolean;
}

export const OutgoingRow = memo(function OutgoingRow({ outgoing, isHead, isActive }: Props) {
  const { store, sender } = useClient();
  const user = useUser(store.selfId);
  const name = useUserName(store.selfId);
  const { jump } = useRowActions();
  const isFailed = outgoing.state === "failed";
  const tabIndex = isActive ? 0 : -1;
  return (
    <article
      className={styles["row"]}
      data-row
      data-own
      data-head={isHead || undefined}
      data-state={outgoing.state}
      aria-label={isFailed ? "Your message, not sent" : "Your message, sending"}
      tabIndex={tabIndex}
    >
      <div className={styles["gutter"]}>
        {isHead && <Avatar id={store.selfId} name={name} url={user?.avatar_url} />}
      </div>
      <div className={styles["body"]}>
        {isHead && (
          <p className={styles["meta"]}>
            <bdi className={styles["author"]}>{name}</bdi>
            <time dateTime={new Date(outgoing.written_at).toISOString()}>
              {timeOfDay(outgoing.written_at)}
            </time>
          </p>
        )}
        {outgoing.reply_to !== null && (
          <Quote id={outgoing.reply_to} tabIndex={tabIndex} onJump={jump} />
        )}
        <div className={styles["content"]}>
          <MessageText text={outgoing.message} />
          {!isFailed && (
            <span className={styles["states"]}>
              <span className={styles["ticks"]} role="img" aria-label="Sending" title="Sending">
                <Icon name="clock" size={14} />
              </span>
            </span>
          )}
        </div>
        {isFailed && (
          <p className={styles["failed"]}>
            <span>
              <strong>Not sent.</strong> {outgoing.problem}
            </span>
            {/* In the order of the page, not of the arrow keys: it waits for an answer. */}
            <button type="button" onClick={() => sender.retry(outgoing.client_id)}>
              Try again
            </button>
            <button type="button" onClick={() => sender.discard(outgoing.client_id)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </article>
  );
});
