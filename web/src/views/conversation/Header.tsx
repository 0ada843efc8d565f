// Who a conversation is with, and what can be done with all of it.

import type { ReactNode } from "react";
import { Link } from "wouter";
import { useConversation, useOnline, useUser, useUserName } from "../../app/hooks";
import { PATHS } from "../../app/routes";
import type { PlaceKey } from "../../store/outgoing";
import { usePanel } from "../room/usePanel";
import { Avatar } from "../../ui/Avatar";
import { IconButton } from "../../ui/IconButton";
import { Icon } from "./icons";
import styles from "./ConversationView.module.css";

interface Props {
  place: PlaceKey;
  onChooseDay: () => void;
  /** Further buttons. */
  children?: ReactNode;
}

export function Header({ place, onChooseDay, children }: Props) {
  const conversation = useConversation(place);
  return (
    <header className={styles["header"]}>
      <Link href={PATHS.home} className={styles["back"]} aria-label="Back to conversations">
        <Icon name="back" size={22} />
      </Link>
      {place.startsWith("u:") ? <PrivateTitle userId={place.slice(2)} /> : <RoomTitle place={place} />}
      <div className={styles["tools"]}>
        {conversation !== null && conversation.messageIndex > 0 && (
          <IconButton label="Jump to date" onClick={onChooseDay}>
            <Icon name="calendar" size={20} />
          </IconButton>
        )}
        {children}
      </div>
    </header>
  );
}

function PrivateTitle({ userId }: { userId: string }) {
  const user = useUser(userId);
  const name = useUserName(userId);
  const isOnline = useOnline(userId);
  return (
    <>
      <Avatar id={userId} name={name} url={user?.avatar_url} isOnline={isOnline} />
      <div className={styles["title"]}>
        <Title name={name} />
        <p className={styles["about"]} data-online={isOnline || undefined}>
          {user?.deleted ? "This account was deleted" : isOnline ? "Online" : "Offline"}
        </p>
      </div>
    </>
  );
}

function RoomTitle({ place }: { place: PlaceKey }) {
  const conversation = useConversation(place);
  const count = conversation?.size ?? 0;
  const name = conversation?.name ?? "";
  return (
    <>
      <Avatar id={place.slice(2)} name={name || "#"} isRoom />
      <div className={styles["title"]}>
        <Title name={name} />
        <p className={styles["about"]}>
          {count > 0 ? `${count} ${count === 1 ? "member" : "members"}` : "\u00a0"}
        </p>
      </div>
    </>
  );
}

/** The name; it opens what there is to know. */
function Title({ name }: { name: string }) {
  const { open } = usePanel();
  return (
    <h1 className={styles["name"]}>
      <button type="button" className={styles["titleButton"]} onClick={open}>
        <bdi>{name}</bdi>
      </button>
    </h1>
  );
}
