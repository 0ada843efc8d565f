// One conversation: who it is with, what was written, and where to write. Or why it cannot be shown.

import { lazy, useCallback, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { useConversation, useListRead, useStore, useWriters } from "../../app/hooks";
import { useRequestOf, useRequestOfRoom } from "../../app/request_hooks";
import { PATHS } from "../../app/routes";
import { showSnackbar } from "../../ui/Snackbar";
import { useClient } from "../../app/session";
import { isId } from "../../protocol/ids";
import type { PlaceKey } from "../../store/outgoing";
import type { ConversationDetails } from "../../store/selectors";
import { LoadBoundary } from "../../ui/LoadBoundary";
import { Composer } from "../composer/Composer";
import { RoomPanelToggle } from "../room/RoomPanelToggle";
import { ComposingContext, useComposingOf } from "./composing";
import { Header } from "./Header";
import { Messages } from "./Messages";
import { Nowhere } from "./Nowhere";
import { useNames } from "./people";
import styles from "./ConversationView.module.css";

const RequestConversation = lazy(() => import("../requests/RequestConversation"));

/** `place` comes from an address: it may name what does not exist. */
export function ConversationView({ place }: { place: PlaceKey }) {
  const isRoom = place.startsWith("r:");
  if (!isId(place.slice(2))) return isRoom ? <NoRoom id="" /> : <NoPerson />;
  return isRoom ? <Room place={place} /> : <PrivateChat place={place} />;
}

function PrivateChat({ place }: { place: PlaceKey }) {
  const userId = place.slice(2);
  const request = useRequestOf(userId);
  const isKnown = useConversation(place) !== null;
  const isMissing = useStore((store) => store.missing.has(userId));
  const isSelf = useClient().store.selfId === userId;
  if (isSelf) return <Oneself />;
  if (isMissing && !isKnown) return <NoPerson />;
  if (request === null || isKnown) return <Conversation place={place} canWrite />;
  return (
    <LoadBoundary>
      <RequestConversation request={request} />
    </LoadBoundary>
  );
}

function Room({ place }: { place: PlaceKey }) {
  const conversation = useConversation(place);
  const isListRead = useListRead();
  useWayOut(conversation);
  if (conversation === null && isListRead) return <NoRoom id={place.slice(2)} />;
  if (conversation?.inside === false) return <NoLongerInside conversation={conversation} />;
  return <Conversation place={place} canWrite={conversation !== null} />;
}

/** Go back to the list when the user leaves the room that is shown, in this tab or elsewhere. */
function useWayOut(conversation: ConversationDetails | null): void {
  const [, navigate] = useLocation();
  const wasInside = useRef(conversation?.inside ?? false);
  const isInside = conversation?.inside ?? false;
  const hasLeft = conversation?.departure === "left";
  const name = conversation?.name ?? "";
  useEffect(() => {
    if (wasInside.current && !isInside && hasLeft) {
      showSnackbar(`You left ${name}.`);
      navigate(PATHS.home, { replace: true });
    }
    wasInside.current = isInside;
  }, [isInside, hasLeft, name, navigate]);
}

function NoLongerInside({ conversation: { name, departure } }: { conversation: ConversationDetails }) {
  const room = name || "this room";
  if (departure === "left") return <Nowhere title={`You left ${room}`} />;
  return (
    <Nowhere title={departure === "removed" ? `You were removed from ${room}` : `You're no longer in ${room}`}>
      To come back, ask a member to add you.
    </Nowhere>
  );
}

function NoRoom({ id }: { id: string }) {
  const request = useRequestOfRoom(id);
  if (request !== null) {
    return (
      <Nowhere title={`You're invited to ${request.room_name}`}>
        <Link href={PATHS.requests}>View invitation</Link>
      </Nowhere>
    );
  }
  return (
    <Nowhere title="You can't view this room">
      It doesn't exist, or you're not a member. Ask a member to add you.
    </Nowhere>
  );
}

function Oneself() {
  return (
    <Nowhere title="This is you">
      You can't message yourself. <Link href="/settings">Edit your profile</Link>
    </Nowhere>
  );
}

function NoPerson() {
  return <Nowhere title="There is no such person">Check the link, or search for their name.</Nowhere>;
}

function Conversation({ place, canWrite }: { place: PlaceKey; canWrite: boolean }) {
  const conversation = useConversation(place);
  const composing = useComposingOf(place);
  const [isChoosingDay, setChoosingDay] = useState(false);
  const chooseDay = useCallback(() => setChoosingDay(true), []);
  const dayChosen = useCallback(() => setChoosingDay(false), []);
  const isPrivate = place.startsWith("u:");
  const id = conversation?.id ?? null;
  const { loader, preferences } = useClient();
  useEffect(() => {
    if (id === null) return;
    // It has been come back to. A failure is met again the next time.
    for (const list of ["unread", "closed"] as const) {
      if (preferences.ids(list).has(id)) preferences.put(list, id, false).catch(() => undefined);
    }
    // Failures are met again when the conversation is opened the next time.
    if (!isPrivate) loader.room(id).catch(() => undefined);
    loader.marks(id).catch(() => undefined);
  }, [loader, preferences, id, isPrivate]);
  return (
    <ComposingContext value={composing}>
      <Header place={place} onChooseDay={chooseDay}>
        <RoomPanelToggle place={place} />
      </Header>
      <Messages place={place} isChoosingDay={isChoosingDay} onDayChosen={dayChosen} />
      <Writers id={id} />
      {canWrite && <Composer place={place} />}
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
          <bdi>{names}</bdi> {count === 1 ? "is" : "are"} typing…
        </>
      )}
    </p>
  );
}
