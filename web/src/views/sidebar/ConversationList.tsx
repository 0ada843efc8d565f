// The conversations, newest activity first. Arrow keys move, Enter opens.

import { useState, type KeyboardEvent, type Ref } from "react";
import { useListRead } from "../../app/hooks";
import { useMuted } from "../../app/preferences";
import { useClient } from "../../app/session";
import type { ConversationId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import type { ConversationSummary } from "../../store/selectors";
import { Banner } from "../../ui/Banner";
import { Button } from "../../ui/Button";
import { ConversationRow } from "./ConversationRow";
import { neighbourIn } from "./focus";
import styles from "./ConversationList.module.css";

interface Props {
  ref: Ref<HTMLUListElement>;
  conversations: readonly ConversationSummary[];
  onFind: () => void;
  onNewRoom: () => void;
  /** The focus goes up from the first row. */
  onLeave: () => void;
}

export function ConversationList({ ref, conversations, onFind, onNewRoom, onLeave }: Props) {
  const isRead = useListRead();
  const muted = useMuted();
  const { preferences } = useClient();
  const [problem, setProblem] = useState<unknown>(null);

  const mute = (id: ConversationId, isMuted: boolean) => {
    setProblem(null);
    preferences.mute(id, isMuted).catch(setProblem);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.target instanceof HTMLAnchorElement)) return;
    const links = [...event.currentTarget.querySelectorAll("a")];
    const next = neighbourIn(links, event.target, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (next === null) onLeave();
    else next.focus();
  };
  if (conversations.length === 0) {
    return isRead ? <Empty onFind={onFind} onNewRoom={onNewRoom} /> : <Loading />;
  }
  return (
    <>
      <div role="alert">
        {problem !== null && <Banner kind="danger">{sayError(problem)}</Banner>}
      </div>
      {/* The rows are links: the keys only make it quicker to come to them. */}
      {/* eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions */}
      <ul ref={ref} className={styles["list"]} onKeyDown={onKeyDown}>
        {conversations.map((conversation) => (
          <ConversationRow
            key={conversation.id}
            conversation={conversation}
            isMuted={muted.has(conversation.id)}
            onMute={mute}
          />
        ))}
      </ul>
    </>
  );
}

function Empty({ onFind, onNewRoom }: Pick<Props, "onFind" | "onNewRoom">) {
  return (
    <div className={styles["empty"]}>
      <h2>No conversations yet</h2>
      <p>Find somebody to write to, or bring people together in a room.</p>
      <Button kind="primary" onClick={onFind}>
        Find people
      </Button>
      <Button onClick={onNewRoom}>Create a room</Button>
    </div>
  );
}

const ROWS_WHILE_LOADING = 6;

function Loading() {
  return (
    <div className={styles["loading"]} aria-busy>
      <span className="visually-hidden">Loading conversations…</span>
      {Array.from({ length: ROWS_WHILE_LOADING }, (_, at) => (
        <div key={at} className={styles["ghost"]} aria-hidden />
      ))}
    </div>
  );
}
