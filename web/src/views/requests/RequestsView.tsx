// What waits for an answer: people who want to write, and rooms one was invited to.

import { useState, type ReactNode } from "react";
import { Link } from "wouter";
import { useUser, useUserName } from "../../app/hooks";
import { useRequests } from "../../app/request_hooks";
import { pathOf, PATHS, privatePlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { WaitingRequest } from "../../client/requests";
import { sayError } from "../../session/errors";
import { Avatar } from "../../ui/Avatar";
import { Banner } from "../../ui/Banner";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { shortTime } from "../../ui/times";
import { previewOf } from "../conversation/preview";
import { useAnswers } from "./useAnswers";
import styles from "./Requests.module.css";

export default function RequestsView() {
  const { requests, total, cursor } = useRequests();
  const [problem, setProblem] = useState<string | null>(null);
  const messages = requests.filter((each) => each.kind === "message");
  const rooms = requests.filter((each) => each.kind === "room");
  return (
    <div className={styles["view"]}>
      <header className={styles["header"]}>
        <Link href={PATHS.home} className={styles["back"]} aria-label="Back to conversations">
          <Icon name="back" size={22} />
        </Link>
        <h1>Requests</h1>
      </header>
      <div className={styles["page"]}>
        <div className={styles["column"]}>
          {total === 0 ? (
            <p className={styles["empty"]}>
              No requests. Choose who has to ask under <Privacy />.
            </p>
          ) : (
            <p className={styles["lead"]}>
              No one can see whether you've read or declined a request. Choose who has to ask
              under <Privacy />.
            </p>
          )}
          <div role="alert">{problem !== null && <Banner kind="warn">{problem}</Banner>}</div>
          {messages.length > 0 && (
            <Section title="Messages">
              {messages.map((each) => (
                <MessageRequest key={each.conversation_id} request={each} />
              ))}
            </Section>
          )}
          {rooms.length > 0 && (
            <Section title="Room invitations">
              {rooms.map((each) => (
                <Invitation key={each.conversation_id} request={each} onVoid={setProblem} />
              ))}
            </Section>
          )}
          {cursor !== "" && <More />}
        </div>
      </div>
    </div>
  );
}

function Privacy() {
  return <Link href="/settings/privacy">Privacy</Link>;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul className={styles["list"]}>{children}</ul>
    </section>
  );
}

function MessageRequest({ request }: { request: WaitingRequest }) {
  const user = useUser(request.user_id);
  const name = useUserName(request.user_id);
  const answers = useAnswers(request, {});
  return (
    <li className={styles["item"]}>
      <Link href={pathOf(privatePlace(request.user_id))} className={styles["about"]}>
        <Avatar id={request.user_id} name={name} url={user?.avatar_url} />
        <span className={styles["words"]}>
          <span className={styles["line"]}>
            <strong className={styles["name"]}>
              <bdi>{name}</bdi>
            </strong>
            {user !== null && user.username !== name && (
              <small className={styles["soft"]}>@{user.username}</small>
            )}
            <time className={styles["time"]} dateTime={request.created_at}>
              {shortTime(request.created_at)}
            </time>
          </span>
          <span className={styles["preview"]}>
            {request.preview === "" ? <em>Message deleted</em> : previewOf(request.preview)}
          </span>
        </span>
      </Link>
      <Buttons name={name} answers={answers} canBlock />
    </li>
  );
}

interface InvitationProps {
  request: WaitingRequest;
  onVoid: (problem: string) => void;
}

function Invitation({ request, onVoid }: InvitationProps) {
  const name = useUserName(request.user_id);
  const answers = useAnswers(request, { onVoid });
  const room = request.room_name || "…";
  return (
    <li className={styles["item"]}>
      <div className={styles["about"]}>
        <Avatar id={request.conversation_id} name={room} isRoom />
        <span className={styles["words"]}>
          <span className={styles["line"]}>
            <strong className={styles["name"]}>
              <bdi>{room}</bdi>
            </strong>
            <time className={styles["time"]} dateTime={request.created_at}>
              {shortTime(request.created_at)}
            </time>
          </span>
          <span className={styles["preview"]}>
            <bdi>{name}</bdi> invited you
          </span>
        </span>
      </div>
      <Buttons name={room} answers={answers} />
    </li>
  );
}

interface ButtonsProps {
  name: string;
  answers: ReturnType<typeof useAnswers>;
  canBlock?: boolean;
}

function Buttons({ name, answers, canBlock = false }: ButtonsProps) {
  return (
    <div className={styles["answers"]} role="group" aria-label={`Respond to ${name}`}>
      <Button kind="primary" disabled={answers.isBusy} onClick={answers.accept}>
        Accept
      </Button>
      <Button disabled={answers.isBusy} onClick={answers.decline}>
        Decline
      </Button>
      {canBlock && (
        <Button kind="danger" disabled={answers.isBusy} onClick={answers.block}>
          Block
        </Button>
      )}
      {answers.problem !== null && (
        <p className={styles["problem"]} role="alert">
          {answers.problem}
        </p>
      )}
    </div>
  );
}

function More() {
  const { requests } = useClient();
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const read = () => {
    setReading(true);
    setError(null);
    requests
      .more()
      .catch(setError)
      .finally(() => setReading(false));
  };
  return (
    <p className={styles["more"]}>
      <Button disabled={isReading} onClick={read}>
        Show more
      </Button>
      {error !== null && <span role="alert">{sayError(error)}</span>}
    </p>
  );
}
