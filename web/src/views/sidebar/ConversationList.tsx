// The conversations, newest activity first. Arrow keys move, Enter opens.

import { useCallback, useState, type KeyboardEvent, type Ref } from "react";
import { useListRead } from "../../app/hooks";
import { useIdList, useMuted } from "../../app/preferences";
import type { IdList } from "../../client/preferences";
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
  /** Those to show. */
  conversations: readonly ConversationSummary[];
  /** Whether there are none at all. */
  isEmpty: boolean;
  isUnreadOnly: boolean;
  onUnreadOnly: (isUnreadOnly: boolean) => void;
  onFind: () => void;
  onNewRoom: () => void;
  /** The focus goes up from the first row. */
  onLeave: () => void;
}

export function ConversationList(props: Props) {
  const { ref, conversations, isEmpty, isUnreadOnly, onUnreadOnly, onFind, onNewRoom, onLeave } = props;
  const isRead = useListRead();
  const muted = useMuted();
  const { preferences } = useClient();
  const [problem, setProblem] = useState<unknown>(null);

  const favourites = useIdList("favourites");
  const unread = useIdList("unread");
  const put = useCallback(
    (list: IdList, id: ConversationId, isIn: boolean) => {
      setProblem(null);
      preferences.put(list, id, isIn).catch(setProblem);
    },
    [preferences],
  );
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
  if (isEmpty) {
    return isRead ? <Empty onFind={onFind} onNewRoom={onNewRoom} /> : <Loading />;
  }
  return (
    <>
      <div role="alert">
        {problem !== null && <Banner kind="danger">{sayError(problem)}</Banner>}
      </div>
      <div className={styles["filter"]} role="group" aria-label="Filter">
        {[false, true].map((isOn) => (
          <button
            key={String(isOn)}
            type="button"
            aria-pressed={isUnreadOnly === isOn}
            onClick={() => onUnreadOnly(isOn)}
          >
            {isOn ? "Unread" : "All"}
          </button>
        ))}
      </div>
      {conversations.length === 0 && <p className={styles["none"]}>You're all caught up.</p>}
      {/* The rows are links: the keys only make it quicker to come to them. */}
      {/* eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions */}
      <ul ref={ref} className={styles["list"]} onKeyDown={onKeyDown}>
        {conversations.map((conversation) => (
          <ConversationRow
            key={conversation.id}
            conversation={conversation}
            isMuted={muted.has(conversation.id)}
            isFavourite={favourites.has(conversation.id)}
            isMarkedUnread={unread.has(conversation.id)}
            onPut={put}
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
      <p>Message someone, or create a room for your team.</p>
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
