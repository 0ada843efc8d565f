// The list of conversations.

import { Link } from "wouter";
import { useConversations, useListRead, useOnline, useUser } from "../../app/hooks";
import { pathOf } from "../../app/routes";
import { useClient, useSession } from "../../app/session";
import type { ConversationSummary } from "../../store/selectors";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { shortTime } from "../../ui/times";
import { PersonSearch } from "./PersonSearch";
import styles from "./Sidebar.module.css";

export function Sidebar() {
  const conversations = useConversations();
  const isRead = useListRead();
  return (
    <>
      <header className={styles["header"]}>
        <Self />
      </header>
      <PersonSearch />
      <ul className={styles["list"]}>
        {conversations.map((conversation) => (
          <Row key={conversation.id} conversation={conversation} />
        ))}
      </ul>
      {isRead && conversations.length === 0 && (
        <p className={styles["empty"]}>No conversations yet. Find somebody to write to.</p>
      )}
    </>
  );
}

function Self() {
  const { store } = useClient();
  const { logOut } = useSession();
  const user = useUser(store.selfId);
  return (
    <>
      <Link href="/settings" className={styles["self"]}>
        <Avatar id={store.selfId} name={user?.username ?? ""} url={user?.avatar_url} size="small" />
        <strong>{user?.display_name || user?.username}</strong>
      </Link>
      <Button kind="quiet" onClick={() => void logOut().catch(() => undefined)}>
        Log out
      </Button>
    </>
  );
}

function Row({ conversation }: { conversation: ConversationSummary }) {
  const { kind, peerId, name, unread, lastMessage, lastActivityAt, id, place } = conversation;
  const peer = useUser(peerId);
  const isOnline = useOnline(peerId);
  const title = kind === "room" ? name : (peer?.display_name || peer?.username) ?? "…";
  return (
    <li>
      <Link
        href={pathOf(place)}
        className={(isActive) => `${styles["row"]} ${isActive ? styles["active"] : ""}`}
      >
        <Avatar id={peerId || id} name={title} url={peer?.avatar_url} isOnline={isOnline} />
        <span className={styles["title"]}>
          {title}
          {isOnline && <span className="visually-hidden">, online</span>}
        </span>
        <time className={styles["time"]} dateTime={lastActivityAt}>
          {shortTime(lastActivityAt)}
        </time>
        <span className={styles["last"]}>
          {lastMessage?.deleted ? "Message deleted" : lastMessage?.message}
        </span>
        {unread > 0 && (
          <span className={styles["unread"]}>
            {unread > 999 ? "999+" : unread}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
      </Link>
    </li>
  );
}

