// One conversation: who it is with, what was written, and where to write.

import { lazy, useCallback, useEffect, useState } from "react";
import { useConversation, useWriters } from "../../app/hooks";
import { useRequestOf } from "../../app/request_hooks";
import { useClient } from "../../app/session";
import type { PlaceKey } from "../../store/outgoing";
import { LoadBoundary } from "../../ui/LoadBoundary";
import { Composer } from "../composer/Composer";
import { RoomPanelToggle } from "../room/RoomPanelToggle";
import { ComposingContext, useComposingOf } from "./composing";
import { Header } from "./Header";
import { Messages } from "./Messages";
import { useNames } from "./people";
import styles from "./ConversationView.module.css";

const RequestConversation = lazy(() => import("../requests/RequestConversation"));

export function ConversationView({ place }: { place: PlaceKey }) {
  const request = useRequestOf(place.startsWith("u:") ? place.slice(2) : "");
  const isKnown = useConversation(place) !== null;
  if (request === null || isKnown) return <Conversation place={place} />;
  return (
    <LoadBoundary>
      <RequestConversation request={request} />
    </LoadBoundary>
  );
}

function Conversation({ place }: { place: PlaceKey }) {
  const conversation = useConversation(place);
  const composing = useComposingOf(place);
  const [isChoosingDay, setChoosingDay] = useState(false);
  const chooseDay = useCallback(() => setChoosingDay(true), []);
  const dayChosen = useCallback(() => setChoosingDay(false), []);
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
      <Header place={place} onChooseDay={chooseDay}>
        <RoomPanelToggle place={place} />
      </Header>
      <Messages place={place} isChoosingDay={isChoosingDay} onDayChosen={dayChosen} />
      <Writers id={id} />
      <Composer place={place} />
    </ComposingContext>
  );
}

const NAMED = 2;

function Writers({ id }: { id: string | null }) {
  const writers = useWriters(id);
  const names = useNames(writers, NAMED);
  const count = writers.length;
  return (
    <p className={styles["writers"]}>
      {count > 0 && (
        <>
          <span className={styles["dots"]} aria-hidden>
            <span />
            <span />
            <span />
          </span>
          <bdi>{names}</bdi> {count === 1 ? "is" : "are"} writing…
        </>
      )}
    </p>
  );
}
