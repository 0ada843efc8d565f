// One conversation: who it is with, what was written, and where to write.

import { useEffect } from "react";
import { Link } from "wouter";
import { useConversation, useOnline, useUserName, useUser, useWriters } from "../../app/hooks";
import { PATHS } from "../../app/routes";
import { useClient } from "../../app/session";
import type { PlaceKey } from "../../store/outgoing";
import { Avatar } from "../../ui/Avatar";
import { Composer } from "../composer/Composer";
import { ComposingContext, useComposingOf } from "./composing";
import { Messages } from "./Messages";
import styles from "./ConversationView.module.css";

export function ConversationView({ place }: { place: PlaceKey }) {
  const conversation = useConversation(place);
  const composing = useComposingOf(place);
  const isPrivate = place.startsWith("u:");
  const id = conversation?.id ?? null;
  const { loader } = useClient();
  useEffect(() => {
    if (id === null) return;
    // Failures are met again when the conversation is opened the next time.
    if (!isPrivate) loader.room(id).catch(() => undefined);
    loader.marks(id).catch(() => undefined);
  }, [loader, id, isPrivate]);
  return (
    <ComposingContext value={composing}>
      <header className={styles["header"]}>
        <Link href={PATHS.home} className={styles["back"]} aria-label="Back to the list">
          ←
        </Link>
        {isPrivate ? (
          <PrivateTitle userId={place.slice(2)} />
        ) : (
          <h1 className={styles["name"]}>{conversation?.name}</h1>
        )}
      </header>
      <Messages place={place} />
      <Writers id={id} />
      {conversation?.inside === false ? (
        <p className={styles["left"]}>You are no longer in this room.</p>
      ) : (
        <Composer place={place} />
      )}
    </ComposingContext>
  );
}

function PrivateTitle({ userId }: { userId: string }) {
  const user = useUser(userId);
  const name = useUserName(userId);
  const isOnline = useOnline(userId);
  return (
    <>
      <Avatar id={userId} name={name} url={user?.avatar_url} isOnline={isOnline} size="small" />
      <h1 className={styles["name"]}>{name}</h1>
      <span className={styles["presence"]}>{isOnline ? "online" : ""}</span>
    </>
  );
}

function Writers({ id }: { id: string | null }) {
  const [first, ...others] = useWriters(id);
  const name = useUserName(first ?? "");
  const text = first === undefined ? "" : others.length > 0 ? "Several people are writing…" : `${name} is writing…`;
  return <p className={styles["writers"]}>{text}</p>;
}
