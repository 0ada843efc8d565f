// What was written in a conversation: the part of it that is shown, what is new, and what one can do
// with a message.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useConversation, useStore, useTimeline } from "../../app/hooks";
import { pathOf } from "../../app/routes";
import { useClient } from "../../app/session";
import { WORTH_SHOWING } from "../../client/loader";
import { isSameReaction } from "../../protocol/reactions";
import { sayError } from "../../session/errors";
import type { Message } from "../../store/message";
import type { PlaceKey } from "../../store/outgoing";
import type { ConversationDetails } from "../../store/selectors";
import { copyText } from "../../ui/clipboard";
import type { MenuPlace } from "../../ui/PointMenu";
import { showSnackbar } from "../../ui/Snackbar";
import { RowActionsContext, type RowActions } from "./actions";
import { Announcer } from "./Announcer";
import { useAttention } from "./attention";
import { useComposing } from "./composing";
import { Icon } from "./icons";
import { JumpToDate } from "./JumpToDate";
import { MessageList } from "./MessageList";
import { DeleteDialog, MessageMenu, ReactionMenu, Readers } from "./MessageMenus";
import { usePart } from "./part";
import { RowMaker } from "./rows";
import styles from "./Messages.module.css";

interface Props {
  place: PlaceKey;
  /** Whether the question for a day is shown. */
  isChoosingDay: boolean;
  onDayChosen: () => void;
}

interface Open {
  readonly kind: "menu" | "reactions" | "readers" | "delete";
  readonly message: Message;
  readonly place: MenuPlace;
}

export function Messages({ place, isChoosingDay, onDayChosen }: Props) {
  const client = useClient();
  const { store, marker } = client;
  const view = usePart(place, showSnackbar);
  const { part, lineAfter, setLineAfter, jump, showNewest, showLine } = view;
  const timeline = useTimeline(place, part?.anchor ?? null);
  const { items, from, to, hasOlder, hasNewer, isMissing } = timeline;
  const conversation = useConversation(place);
  const composing = useComposing();
  const isAttentive = useAttention();
  const [isAtEnd, setAtEnd] = useState(false);
  const [open, setOpen] = useState<Open | null>(null);
  const close = useCallback(() => setOpen(null), []);

  const id = conversation?.id ?? null;
  const unread = conversation?.unread ?? 0;
  const readIndex = conversation?.readIndex ?? 0;
  // Where there is nothing to scroll, the end is in sight.
  const isBlank = !isMissing && items.length === 0;
  const isReadingNow = isAttentive && (isAtEnd || isBlank) && !hasNewer && part !== null;
  const addedBy = conversation?.addedBy ?? "";
  useEffect(() => {
    if (id !== null && isReadingNow) marker.read(id, to);
  }, [marker, id, to, addedBy, isReadingNow]);

  // What comes while nobody looks begins behind a line.
  const unreadBefore = useRef(unread);
  useEffect(() => {
    if (unreadBefore.current === 0 && unread > 0 && part !== null && !isReadingNow) {
      setLineAfter(readIndex);
    }
    unreadBefore.current = unread;
  }, [unread, readIndex, part, isReadingNow, setLineAfter]);

  // What one sends is shown, wherever one was reading.
  const lastSent = useStore((each) => each.outgoingTo(place).at(-1)?.client_id ?? null);
  const lastSentBefore = useRef(lastSent);
  useEffect(() => {
    if (lastSent !== null && lastSent !== lastSentBefore.current) {
      showNewest();
      setLineAfter(null);
    }
    lastSentBefore.current = lastSent ?? lastSentBefore.current;
  }, [lastSent, showNewest, setLineAfter]);

  // A part that was begun anew is read again.
  const anchor = part?.anchor ?? null;
  const isLost = isMissing && anchor !== null && id !== null;
  useEffect(() => {
    if (isLost) client.loader.aroundIndex(id, anchor).catch(() => showNewest());
  }, [client, isLost, id, anchor, showNewest]);

  const maker = useMemo(() => new RowMaker(store.selfId), [store]);
  const rows = useMemo(
    () => maker.make(items, lineAfter, !hasOlder),
    [maker, items, lineAfter, hasOlder],
  );

  const run = useCallback(
    (change: Promise<void>, done?: string) => {
      change.then(
        () => done !== undefined && showSnackbar(done),
        (error: unknown) => showSnackbar(sayError(error)),
      );
    },
    [],
  );
  const react = useCallback(
    (message: Message, emoji: string) => {
      const own = message.reactions.find((each) => isSameReaction(each.emoji, emoji));
      run(client.react(message.id, emoji, own?.user_ids.includes(store.selfId) ?? false));
    },
    [client, store, run],
  );
  const { reply } = composing;
  const actions = useMemo<RowActions>(
    () => ({
      jump: (messageId) => void jump(messageId),
      reply: (message) => reply(message.id),
      react,
      openMenu: (message, at) => setOpen({ kind: "menu", message, place: at }),
      openReactions: (message, at) => setOpen({ kind: "reactions", message, place: at }),
      openReaders: (message, at) => setOpen({ kind: "readers", message, place: at }),
    }),
    [jump, reply, react],
  );
  const copy = async (text: string, done: string) => {
    showSnackbar((await copyText(text)) ? done : "Couldn't copy. Your browser doesn't allow it.");
  };

  const isFew = part?.anchor === null && hasOlder && to - from < WORTH_SHOWING;
  const isReady = part !== null && !isMissing && !(isFew && timeline.error === null);
  const isEmpty = isReady && items.length === 0;
  const hasLineAbove = lineAfter !== null && rows.some((row) => row.isFirstNew);
  return (
    <div className={styles["messages"]}>
      {isEmpty ? (
        <Nothing {...emptyText(conversation)} />
      ) : isReady ? (
        <RowActionsContext value={actions}>
          <MessageList
            key={part.number}
            rows={rows}
            timeline={timeline}
            target={part.target}
            beginning={beginningText(conversation)}
            onAtEnd={setAtEnd}
          />
        </RowActionsContext>
      ) : (
        <Skeleton error={timeline.error} onRetry={timeline.retry} />
      )}
      <Announcer place={place} />
      {isReady && !isEmpty && (!isAtEnd || hasNewer) && (
        <div className={styles["buttons"]}>
          {hasLineAbove && unread > 0 && (
            <button type="button" className={styles["pill"]} onClick={showLine}>
              <Icon name="up" size={16} /> First unread
            </button>
          )}
          <button
            type="button"
            className={styles["pill"]}
            data-new={unread > 0 || undefined}
            onClick={showNewest}
          >
            <Icon name="down" size={16} />
            {unread > 0 ? `${unread} new ${unread === 1 ? "message" : "messages"}` : "Jump to latest"}
          </button>
        </div>
      )}
      {open?.kind === "menu" && (
        <MessageMenu
          {...current(open)}
          onClose={close}
          onReact={(emoji) => react(open.message, emoji)}
          onMoreReactions={() => setOpen({ ...open, kind: "reactions" })}
          onReply={() => composing.reply(open.message.id)}
          onEdit={() => composing.edit(open.message.id)}
          onPin={() => run(client.pin(open.message.id, open.message.pinned))}
          onCopyText={() => void copy(open.message.message, "Text copied.")}
          onCopyLink={() =>
            void copy(location.origin + pathOf(place, open.message.id), "Link copied.")
          }
          onReaders={() => setOpen({ ...open, kind: "readers" })}
          onDelete={() => setOpen({ ...open, kind: "delete" })}
        />
      )}
      {open?.kind === "reactions" && (
        <ReactionMenu
          place={open.place}
          onClose={close}
          onReact={(emoji) => react(open.message, emoji)}
        />
      )}
      {open?.kind === "readers" && <Readers {...current(open)} onClose={close} />}
      {open?.kind === "delete" && (
        <DeleteDialog
          message={open.message}
          onClose={close}
          onDelete={() => run(client.delete(open.message.id), "Message deleted.")}
        />
      )}
      {isChoosingDay && (
        <JumpToDate
          onClose={onDayChosen}
          onChoose={(day) => {
            onDayChosen();
            void view.jumpToDay(day);
          }}
        />
      )}
    </div>
  );
}

/** A newcomer is one for so long. */
const JUST_NOW_MS = 10 * 60_000;

function emptyText(conversation: ConversationDetails | null): { title: string; text: string } {
  const title = conversation?.hidesEarlier ? beginningText(conversation) : "No messages yet";
  return { title, text: "Send the first message." };
}

function beginningText(conversation: ConversationDetails | null): string {
  if (conversation?.hidesEarlier) {
    const hidden = "Earlier messages are hidden.";
    if (conversation.lastMessage !== null) return hidden;
    // Nothing was written since the user was added, so that was the last activity.
    const age = Date.now() - Date.parse(conversation.lastActivityAt);
    return `${age < JUST_NOW_MS ? "You joined just now." : "No messages since you joined."} ${hidden}`;
  }
  if (conversation?.kind === "room") return `This is the beginning of ${conversation.name}`;
  return "This is the beginning of your conversation";
}

function current({ message, place }: Open) {
  return { message, place };
}

function Nothing({ title, text }: { title: string; text: string }) {
  return (
    <div className={styles["nothing"]}>
      <h2>{title}</h2>
      <p>{text}</p>
    </div>
  );
}

const BARS = ["60%", "35%", "75%", "50%", "65%"];

function Skeleton({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (error !== null) {
    return (
      <div className={styles["nothing"]} role="alert">
        <h2>Couldn't load messages</h2>
        <p>{sayError(error)}</p>
        <button type="button" className={styles["pill"]} onClick={onRetry}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <div className={styles["skeleton"]} aria-busy="true">
      <span className="visually-hidden">Loading messages</span>
      {BARS.map((width) => (
        <div key={width} className={styles["bone"]}>
          <span />
          <span style={{ inlineSize: width }} />
        </div>
      ))}
    </div>
  );
}
