// What was written in a conversation, in order. At its end it stays at its end.

import { memo, useEffect, useLayoutEffect, useRef } from "react";
import { useConversation, useTimeline, useUserName } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { Notice } from "../../store/conversation";
import type { Message } from "../../store/message";
import type { OutgoingMessage, PlaceKey } from "../../store/outgoing";
import type { TimelineItem } from "../../store/selectors";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { timeOfDay } from "../../ui/times";
import styles from "./ConversationView.module.css";

const AT_THE_END_PX = 40;

export function Messages({ place }: { place: PlaceKey }) {
  const { items, to, hasOlder, readOlder, isReading } = useTimeline(place);
  const conversation = useConversation(place);
  const { marker } = useClient();
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    if (isAtEnd.current && log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  }, [items]);
  const id = conversation?.id;
  useEffect(() => {
    if (id !== undefined && isAtEnd.current && document.hasFocus()) marker.read(id, to);
  }, [marker, id, to]);

  return (
    <div
      ref={log}
      className={styles["log"]}
      role="log"
      aria-label="Messages"
      tabIndex={0}
      onScroll={({ currentTarget: box }) => {
        isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < AT_THE_END_PX;
      }}
    >
      {hasOlder && (
        <Button kind="quiet" className={styles["older"]} onClick={readOlder} disabled={isReading}>
          Show earlier messages
        </Button>
      )}
      {items.map((item) => (
        <Item key={item.key} item={item} />
      ))}
    </div>
  );
}

const Item = memo(function Item({ item }: { item: TimelineItem }) {
  switch (item.kind) {
    case "message":
      return <MessageRow message={item.message} />;
    case "outgoing":
      return <OutgoingRow outgoing={item.outgoing} />;
    case "notice":
      return <NoticeRow notice={item.notice} />;
  }
});

function MessageRow({ message }: { message: Message }) {
  const name = useUserName(message.sender_id);
  return (
    <article className={styles["message"]}>
      <Avatar id={message.sender_id} name={name} />
      <div>
        <p className={styles["meta"]}>
          <strong>{name}</strong>
          <time dateTime={message.created_at}>{timeOfDay(message.created_at)}</time>
          {message.edited && <span className={styles["state"]}>edited</span>}
        </p>
        {message.deleted ? (
          <p className={styles["deleted"]}>Message deleted</p>
        ) : (
          <p className={styles["text"]}>{message.message}</p>
        )}
      </div>
    </article>
  );
}

function OutgoingRow({ outgoing }: { outgoing: OutgoingMessage }) {
  const { store, sender } = useClient();
  const name = useUserName(store.selfId);
  return (
    <article className={styles["message"]}>
      <Avatar id={store.selfId} name={name} />
      <div>
        <p className={styles["meta"]}>
          <strong>{name}</strong>
          <time dateTime={new Date(outgoing.written_at).toISOString()}>
            {timeOfDay(outgoing.written_at)}
          </time>
          {outgoing.state === "sending" && <span className={styles["state"]}>sending…</span>}
        </p>
        <p className={styles["text"]}>{outgoing.message}</p>
        {outgoing.state === "failed" && (
          <p className={styles["failed"]}>
            Not sent. {outgoing.problem}{" "}
            <Button kind="quiet" onClick={() => sender.retry(outgoing.client_id)}>
              Try again
            </Button>
            <Button kind="quiet" onClick={() => sender.discard(outgoing.client_id)}>
              Discard
            </Button>
          </p>
        )}
      </div>
    </article>
  );
}

function NoticeRow({ notice }: { notice: Notice }) {
  const who = useUserName(notice.sender_id);
  const whom = useUserName("user_id" in notice ? notice.user_id : "");
  return <p className={styles["notice"]}>{sentence(notice, who, whom)}</p>;
}

function sentence(notice: Notice, who: string, whom: string): string {
  switch (notice.type) {
    case "room_created":
      return `${who} created the room ${notice.room_name}`;
    case "room_updated":
      return notice.room_name ? `${who} named the room ${notice.room_name}` : `${who} changed the settings`;
    case "member_added":
      return `${who} added ${whom}`;
    case "member_left":
      return `${whom} left`;
    case "member_removed":
      return `${who} removed ${whom}`;
    case "role_changed":
      return `${who} made ${whom} ${notice.role}`;
  }
}
