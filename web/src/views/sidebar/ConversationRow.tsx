// One conversation in the list: whose it is, what was said last, and what wants attention.

import { memo, useCallback, useSyncExternalStore } from "react";
import { Link } from "wouter";
import { navigate } from "wouter/use-browser-location";
import { useOnline, useStore, useUser, useUserName, useWriters } from "../../app/hooks";
import { nameOf } from "../../app/names";
import { PATHS, pathOf } from "../../app/routes";
import { useToday } from "../../app/today";
import { useClient } from "../../app/session";
import type { IdList } from "../../client/preferences";
import type { ConversationId } from "../../protocol/ids";
import type { ConversationSummary } from "../../store/selectors";
import type { PlaceKey } from "../../store/outgoing";
import { Avatar } from "../../ui/Avatar";
import { Badge, MentionMark, UnreadDot } from "../../ui/Badge";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem } from "../../ui/Menu";
import { shortTime } from "../../ui/times";
import { previewOf } from "../conversation/preview";
import styles from "./ConversationRow.module.css";

interface Props {
  conversation: ConversationSummary;
  isMuted: boolean;
  isFavourite: boolean;
  isMarkedUnread: boolean;
  onPut: (list: IdList, id: ConversationId, isIn: boolean) => void;
}

export const ConversationRow = memo(
  function ConversationRow({ conversation, isMuted, isFavourite, isMarkedUnread, onPut }: Props) {
    const { kind, peerId, name, unread, mentioned, lastActivityAt, id, place } = conversation;
    const { marker } = useClient();
    useToday();
    const peer = useUser(peerId);
    const isOnline = useOnline(peerId);
    const title = kind === "room" ? name || "…" : nameOf(peer);
    // In a private chat everything unread is for the user.
    const isMentioned = mentioned && kind === "room";
    return (
      <li className={styles["item"]}>
        <Link
          href={pathOf(place)}
          className={(isActive) => `${styles["row"]} ${isActive ? styles["active"] : ""}`}
          data-unread={isMarkedUnread || (unread > 0 && (!isMuted || isMentioned)) || undefined}
        >
          <Avatar id={peerId || id} name={title} url={peer?.avatar_url} isOnline={isOnline} isRoom={kind === "room"} />
          <span className={styles["line"]}>
            <span className={styles["title"]}>
              <span className={styles["name"]}>{title}</span>
              {isOnline && <span className="visually-hidden">, online</span>}
              {isFavourite && <span className={styles["star"]} aria-hidden>★</span>}
              {isFavourite && <span className="visually-hidden">, favourite</span>}
              {isMuted && <Icon name="bellOff" size={14} />}
              {isMuted && <span className="visually-hidden">, muted</span>}
            </span>
            <time className={styles["time"]} dateTime={lastActivityAt}>
              {shortTime(lastActivityAt)}
            </time>
          </span>
          <span className={styles["line"]}>
            <span className={styles["last"]}>
              <LastLine conversation={conversation} />
            </span>
            {isMentioned && <MentionMark />}
            {isMarkedUnread && unread === 0 && <UnreadDot />}
            <Badge count={unread} label="unread" kind={isMuted ? "quiet" : "accent"} />
          </span>
        </Link>
        <Menu
          label={`More actions for ${title}`}
          trigger={
            <IconButton label={`More actions for ${title}`} className={styles["more"] ?? ""}>
              <Icon name="more" size={18} />
            </IconButton>
          }
        >
          {unread > 0 || isMarkedUnread ? (
            <MenuItem
              onSelect={() => {
                marker.read(id, conversation.messageIndex);
                if (isMarkedUnread) onPut("unread", id, false);
              }}
            >
              Mark as read
            </MenuItem>
          ) : (
            <MenuItem onSelect={() => onPut("unread", id, true)}>Mark as unread</MenuItem>
          )}
          <MenuItem onSelect={() => onPut("favourites", id, !isFavourite)}>
            {isFavourite ? "Remove from favourites" : "Add to favourites"}
          </MenuItem>
          <MenuItem onSelect={() => onPut("muted", id, !isMuted)}>{isMuted ? "Unmute" : "Mute"}</MenuItem>
          {kind === "private" && (
            <MenuItem
              onSelect={() => {
                marker.read(id, conversation.messageIndex);
                onPut("closed", id, true);
                if (location.pathname === pathOf(place)) navigate(PATHS.home);
              }}
            >
              Close chat
            </MenuItem>
          )}
        </Menu>
      </li>
    );
  },
  (old, now) =>
    old.conversation === now.conversation &&
    old.isMuted === now.isMuted &&
    old.isFavourite === now.isFavourite &&
    old.isMarkedUnread === now.isMarkedUnread,
);

/** What comes first of: who is writing, what failed, what was begun, what was said. */
function LastLine({ conversation }: { conversation: ConversationSummary }) {
  const { id, kind, place, lastMessage, addedBy, onlyAdded } = conversation;
  const { store } = useClient();
  const [writer, ...others] = useWriters(id);
  const writerName = useUserName(writer ?? "");
  const sender = lastMessage?.sender_id ?? "";
  const isOwn = sender === store.selfId;
  const senderName = useUserName(kind === "room" && !isOwn ? sender : "");
  const adderName = useUserName(addedBy);
  const draft = useDraftText(place);
  const hasFailed = useStore(() =>
    store.outgoingTo(place).some((message) => message.state === "failed"),
  );
  if (hasFailed) return <span className={styles["failed"]}>Message not sent</span>;
  if (writer !== undefined) {
    const who = others.length > 0 ? "Several people are" : kind === "room" ? `${writerName} is` : "";
    const text = who === "" ? "Typing…" : `${who} typing…`;
    return <span className={styles["writing"]}>{text}</span>;
  }
  if (draft !== "") {
    return (
      <>
        <span className={styles["draft"]}>Draft:</span> {previewOf(draft)}
      </>
    );
  }
  // What was written since says more.
  if (onlyAdded) return `${adderName} added you`;
  if (lastMessage === null) return kind === "room" ? "No messages yet" : "";
  const author = isOwn ? "You: " : kind === "room" ? `${senderName}: ` : "";
  if (lastMessage.deleted) return <em>{author}Message deleted</em>;
  return author + previewOf(lastMessage.message);
}

function useDraftText(place: PlaceKey): string {
  const { drafts } = useClient();
  const watch = useCallback((watcher: () => void) => drafts.watch(place, watcher), [drafts, place]);
  return useSyncExternalStore(watch, () => drafts.get(place)).trim();
}
