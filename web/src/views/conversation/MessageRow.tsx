// One message: who, what, what it answers, what others make of it, and how far it has come.

import { memo, useState, type KeyboardEvent, type MouseEvent } from "react";
import { useStore, useUser, useUserName } from "../../app/hooks";
import { showProfile } from "../../app/profile_card";
import { useClient } from "../../app/session";
import type { Message } from "../../store/message";
import { Avatar } from "../../ui/Avatar";
import type { MenuPlace } from "../../ui/PointMenu";
import { timeOfDay } from "../../ui/times";
import { useRowActions } from "./actions";
import { useComposing } from "./composing";
import { DeliveryMark } from "./DeliveryMark";
import { Icon } from "./icons";
import { isLong, Long } from "./Long";
import { MessageText } from "./MessageText";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import styles from "./Row.module.css";

interface Props {
  message: Message;
  isHead: boolean;
  /** Reached with the arrow keys. */
  isActive: boolean;
  isHighlighted: boolean;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export const MessageRow = memo(function MessageRow(props: Props) {
  const { message, isHead, isActive, isHighlighted } = props;
  const { store } = useClient();
  const user = useUser(message.sender_id);
  const name = useUserName(message.sender_id);
  const actions = useRowActions();
  const isEditing = useComposing().editing === message.id;
  const isOwn = message.sender_id === store.selfId;
  const tabIndex = isActive ? 0 : -1;
  // Most rows only fly past.
  const [isPointedAt, setPointedAt] = useState(false);

  const openMenu = (place: MenuPlace) => actions.openMenu(message, place);
  const onContextMenu = (event: MouseEvent<HTMLElement>) => {
    // Links and what is selected have a menu of the browser.
    if ((event.target as Element).closest("a") || getSelection()?.isCollapsed === false) return;
    event.preventDefault();
    // The menu key tells no place.
    const isByKey = event.clientX === 0 && event.clientY === 0;
    openMenu(isByKey ? cornerOf(event.currentTarget) : pointOf(event));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key !== "Enter" || event.target !== event.currentTarget) return;
    event.preventDefault();
    openMenu(cornerOf(event.currentTarget));
  };

  return (
    // The keys of a message are told by its toolbar, which holds the same actions as buttons.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions
    <article
      className={styles["row"]}
      data-row
      data-head={isHead || undefined}
      data-own={isOwn || undefined}
      data-editing={isEditing || undefined}
      data-highlighted={isHighlighted || undefined}
      data-mentions-self={message.mentions.includes(store.selfId) || undefined}
      aria-label={`${isOwn ? "You" : name}, ${timeOfDay(message.created_at)}`}
      tabIndex={tabIndex}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      onContextMenu={onContextMenu}
      onKeyDown={onKeyDown}
    >
      <div className={styles["gutter"]}>
        {isHead ? (
          <button
            type="button"
            className={styles["face"]}
            // The name beside it does the same.
            tabIndex={-1}
            aria-hidden
            onClick={() => showProfile(message.sender_id)}
          >
            <Avatar id={message.sender_id} name={name} url={user?.avatar_url} />
          </button>
        ) : (
          <Moment at={message.created_at} className={styles["sideTime"]} />
        )}
      </div>
      <div className={styles["body"]}>
        {isHead && (
          <p className={styles["meta"]}>
            <button
              type="button"
              className={styles["author"]}
              data-inline
              tabIndex={tabIndex}
              onClick={() => showProfile(message.sender_id)}
            >
              <bdi>{name}</bdi>
            </button>
            <Moment at={message.created_at} />
            {message.pinned && <Pinned />}
          </p>
        )}
        {message.reply_to !== null && !message.deleted && (
          <Quote id={message.reply_to} tabIndex={tabIndex} onJump={actions.jump} />
        )}
        {message.deleted ? (
          <p className={styles["deleted"]}>This message was deleted</p>
        ) : (
          <div className={styles["content"]}>
            {isLong(message.message) ? (
              <Long id={message.id} tabIndex={tabIndex}>
                <MessageText
                  text={message.message}
                  mentions={message.mentions}
                  mentionNames={message.mention_names}
                />
              </Long>
            ) : (
              <MessageText
                  text={message.message}
                  mentions={message.mentions}
                  mentionNames={message.mention_names}
                />
            )}
            <span className={styles["states"]}>
              {message.edited && (
                <span className={styles["edited"]} title={MOMENT.format(new Date(message.updated_at))}>
                  edited
                </span>
              )}
              {message.pinned && !isHead && <Pinned />}
              {isOwn && <DeliveryMark message={message} tabIndex={tabIndex} />}
            </span>
          </div>
        )}
        {message.reactions.length > 0 && <Reactions message={message} tabIndex={tabIndex} />}
      </div>
      {(isPointedAt || isActive) && !message.deleted && <Toolbar message={message} tabIndex={tabIndex} />}
    </article>
  );
});

function Toolbar({ message, tabIndex }: { message: Message; tabIndex: number }) {
  const actions = useRowActions();
  const isInside = useStore((store) => store.conversations.get(message.conversation_id)?.inside);
  return (
    <div className={styles["toolbar"]} role="group" aria-label="Message actions">
      {isInside && (
        <>
          <button
            type="button"
            tabIndex={tabIndex}
            aria-label="React"
            title="React"
            onClick={(event) => actions.openReactions(message, boxOf(event.currentTarget))}
          >
            <Icon name="react" />
          </button>
          <button
            type="button"
            tabIndex={tabIndex}
            aria-label="Reply"
            title="Reply"
            onClick={() => actions.reply(message)}
          >
            <Icon name="reply" />
          </button>
        </>
      )}
      <button
        type="button"
        tabIndex={tabIndex}
        aria-label="More actions"
        title="More actions"
        aria-haspopup="menu"
        onClick={(event) => actions.openMenu(message, boxOf(event.currentTarget))}
      >
        <Icon name="more" />
      </button>
    </div>
  );
}

function Moment({ at, className }: { at: string; className?: string | undefined }) {
  return (
    <time className={className} dateTime={at} title={MOMENT.format(new Date(at))}>
      {timeOfDay(at)}
    </time>
  );
}

function Pinned() {
  return (
    <span className={styles["pinned"]}>
      <Icon name="pin" size={13} /> pinned
    </span>
  );
}

function pointOf({ clientX: x, clientY: y }: MouseEvent): MenuPlace {
  return { left: x, right: x, top: y, bottom: y };
}

function boxOf(element: Element): MenuPlace {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return { left, right, top, bottom };
}

/** Return where the text of a row begins. */
function cornerOf(row: Element): MenuPlace {
  const { left, bottom } = row.getBoundingClientRect();
  return { left: left + 56, right: left + 56, top: bottom - 8, bottom: bottom - 8 };
}
