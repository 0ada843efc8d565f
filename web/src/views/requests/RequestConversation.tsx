// What somebody has written who waits to be accepted: to be read, and answered with a button.

import { useCallback, useEffect, useState } from "react";
import { Link } from "wouter";
import { useUser, useUserName } from "../../app/hooks";
import { PATHS } from "../../app/routes";
import { useClient } from "../../app/session";
import type { WaitingRequest } from "../../client/requests";
import type { UserId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import type { HistoryMessage } from "../../session/api";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { shortTime } from "../../ui/times";
import { MessageText } from "../conversation/MessageText";
import { useAnswers } from "./useAnswers";
import styles from "./Requests.module.css";

export default function RequestConversation({ request }: { request: WaitingRequest }) {
  const { user_id: userId } = request;
  const user = useUser(userId);
  const name = useUserName(userId);
  const answers = useAnswers(request, { goesHome: true });
  const { messages, error, retry } = useMessages(userId);
  return (
    <>
      <header className={styles["header"]}>
        <Link href={PATHS.requests} className={styles["back"]} data-always aria-label="Back to requests">
          <Icon name="back" size={22} />
        </Link>
        <Avatar id={userId} name={name} url={user?.avatar_url} />
        <div className={styles["words"]}>
          <h1 className={styles["name"]}>
            <bdi>{name}</bdi>
          </h1>
          <p className={styles["soft"]}>{user === null ? "\u00a0" : `@${user.username}`}</p>
        </div>
      </header>
      <div className={styles["log"]} role="log" aria-label="Messages" tabIndex={0}>
        {error !== null && (
          <p className={styles["lead"]} role="alert">
            {sayError(error)} <Button onClick={retry}>Try again</Button>
          </p>
        )}
        {messages?.map((message) => (
          <article key={message.id} className={styles["message"]}>
            {message.deleted ? (
              <p className={styles["soft"]}>This message was deleted</p>
            ) : (
              <MessageText text={message.message} />
            )}
            <time className={styles["time"]} dateTime={message.created_at}>
              {shortTime(message.created_at)}
            </time>
          </article>
        ))}
      </div>
      <div className={styles["decision"]}>
        <p>
          <strong>
            <bdi>{name}</bdi> wants to message you.
          </strong>{" "}
          They can't see that you've read this.
        </p>
        <div className={styles["answers"]}>
          <Button kind="primary" disabled={answers.isBusy} onClick={answers.accept}>
            Accept
          </Button>
          <Button disabled={answers.isBusy} onClick={answers.decline}>
            Decline
          </Button>
          <Button kind="danger" disabled={answers.isBusy} onClick={answers.block}>
            Block
          </Button>
        </div>
        {answers.problem !== null && (
          <p className={styles["problem"]} role="alert">
            {answers.problem}
          </p>
        )}
      </div>
    </>
  );
}

interface Read {
  /** Oldest first; null until they have been read. */
  readonly messages: readonly HistoryMessage[] | null;
  readonly error: unknown;
  retry(): void;
}

/** Read what was written; all of it fits a page. Nothing of it is in the store before it is accepted. */
function useMessages(userId: UserId): Read {
  const { api } = useClient();
  const [messages, setMessages] = useState<readonly HistoryMessage[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const retry = useCallback(() => {
    setError(null);
    api.privateHistory(userId, { limit: 50 }).then((page) => setMessages(page.messages), setError);
  }, [api, userId]);
  useEffect(retry, [retry]);
  return { messages, error, retry };
}
