// How views read the store. Each re-renders its view only when what it returns has changed.

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { WORTH_SHOWING } from "../client/loader";
import type { ConversationId, MessageId, UserId } from "../protocol/ids";
import type { UserSummary } from "../session/api";
import type { SocketState } from "../socket/session_socket";
import type { Message } from "../store/message";
import type { PlaceKey } from "../store/outgoing";
import {
  detailsOf,
  listOf,
  TimelineSelector,
  writersIn,
  type ConversationDetails,
  type ConversationSummary,
  type Timeline,
} from "../store/selectors";
import type { Store } from "../store/store";
import { nameOf } from "./names";
import { useClient } from "./session";

/** Return what a selector finds; it must return the same reference for the same state. */
export function useStore<T>(select: (store: Store) => T): T {
  const { store } = useClient();
  return useSyncExternalStore(store.subscribe, () => select(store));
}

export function useConnection(): SocketState {
  return useStore((store) => store.connection);
}

const AWAY_AFTER_MS = 1_500;

/** Return whether the platform is out of reach. A short pause does not count. */
export function useAway(): boolean {
  const isStalled = useStore((store) => store.isStalled);
  const isUp = useStore((store) => store.connection === "live" && !store.isStalled);
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    if (isUp) return;
    const timer = setTimeout(() => setAway(true), AWAY_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setAway(false);
    };
  }, [isUp]);
  useEffect(() => {
    // An answer has been awaited for long enough already.
    if (isStalled) setAway(true);
  }, [isStalled]);
  return isAway;
}

/** Return whether the list of conversations has been read. */
export function useListRead(): boolean {
  return useStore((store) => store.listRead);
}

/** Return the conversations that the user is in, newest activity first. */
export function useConversations(): readonly ConversationSummary[] {
  return useStore(listOf);
}

/** Return the conversation at a place; null where there is none (yet). */
export function useConversation(place: PlaceKey): ConversationDetails | null {
  return useStore((store) => {
    const conversation = store.at(place);
    return conversation === undefined ? null : detailsOf(conversation, store.selfId);
  });
}

/** Return a user; null until the profile has been read, which begins by itself. */
export function useUser(userId: UserId): UserSummary | null {
  const { people } = useClient();
  useEffect(() => people.want(userId), [people, userId]);
  return useStore((store) => store.users.get(userId) ?? null);
}

/** Return the name to show for a user. */
export function useUserName(userId: UserId): string {
  return nameOf(useUser(userId));
}

/** Return whether a user is online; this view is told of changes. */
export function useOnline(userId: UserId): boolean {
  const { presence } = useClient();
  useEffect(() => (userId === "" ? undefined : presence.watch([userId])), [presence, userId]);
  return useStore((store) => store.isOnline(userId));
}

/** Return whether the user has blocked another. */
export function useBlocked(userId: UserId): boolean {
  return useStore((store) => store.blocked.has(userId));
}

/** Return who is writing in a conversation. */
export function useWriters(id: ConversationId | null): readonly UserId[] {
  return useStore((store) => writersIn(store, id ?? ""));
}

/** Return a message by its id, reading it where it is not held; null until then. */
export function useMessage(id: MessageId): Message | null {
  const { loader } = useClient();
  const conversationId = id.slice(0, id.lastIndexOf("-"));
  const message = useStore(
    (store) => store.conversations.get(conversationId)?.message(id) ?? null,
  );
  const isMissing = message === null;
  useEffect(() => {
    // Not to be had means that it may not be read.
    if (isMissing) loader.message(id).catch(() => undefined);
  }, [loader, id, isMissing]);
  return message;
}

export interface TimelineView extends Timeline {
  readonly isReading: boolean;
  /** The last reading failed; `retry` begins it again. */
  readonly error: unknown;
  readOlder(): void;
  readNewer(): void;
  retry(): void;
}

/**
 * Return a part of a conversation without a hole: the newest, or the one around the message with
 * index `anchor`. What is missing is read by itself, again after every reconnect.
 */
export function useTimeline(place: PlaceKey, anchor: number | null = null): TimelineView {
  const { store, loader } = useClient();
  const selector = useMemo(
    () => new TimelineSelector(store, place, anchor),
    [store, place, anchor],
  );
  const timeline = useSyncExternalStore(store.subscribe, selector.select);
  const connection = useConnection();
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { from, to, hasOlder, hasNewer, isMissing } = timeline;

  const read = useCallback((reading: Promise<unknown>) => {
    setReading(true);
    setError(null);
    reading.catch(setError).finally(() => setReading(false));
  }, []);
  const readOlder = useCallback(() => {
    const id = store.at(place)?.id;
    if (id !== undefined && hasOlder) read(loader.older(id, from));
  }, [store, loader, place, hasOlder, from, read]);
  const readNewer = useCallback(() => {
    const id = store.at(place)?.id;
    if (id !== undefined && hasNewer) read(loader.newer(id, to));
  }, [store, loader, place, hasNewer, to, read]);
  const retry = useCallback(() => {
    const conversation = store.at(place);
    if (conversation?.listed) read(loader.newest(conversation.id));
  }, [store, loader, place, read]);

  const isListed = useStore((each) => each.at(place)?.listed ?? false);
  const isAway = connection === "offline" || connection === "closed";
  // The list has told the newest message: a page before it makes the part worth showing.
  const isShort = isListed && anchor === null && (isMissing || (hasOlder && to - from < WORTH_SHOWING));
  useEffect(() => {
    if (isShort && !isAway) retry();
  }, [isShort, isAway, retry]);

  return { ...timeline, isReading, error, readOlder, readNewer, retry };
}
