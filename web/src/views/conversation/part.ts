// Which part of a conversation is shown, and where in it: the newest, the first unread, or a message
// that was jumped to.

import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { useStore } from "../../app/hooks";
import { pathOf } from "../../app/routes";
import { useClient } from "../../app/session";
import { isMessageOf, type MessageId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import type { Conversation } from "../../store/conversation";
import type { PlaceKey } from "../../store/outgoing";

/** Where to scroll; a new object scrolls again. */
export type Target =
  | { readonly kind: "end" }
  | { readonly kind: "line" }
  | { readonly kind: "message"; readonly index: number };

export interface Part {
  /** For `useTimeline`. */
  readonly anchor: number | null;
  readonly target: Target;
  /** Another number is another list, without anything in common with the one before. */
  readonly number: number;
}

/** A part with fewer messages is read around before it is shown. */
const WORTH_SHOWING = 20;
/** The newest page holds so many for certain. */
const IN_NEWEST_PAGE = 40;

export function usePart(place: PlaceKey, say: (text: string) => void) {
  const { store, loader } = useClient();
  const [part, setPart] = useState<Part | null>(null);
  /** The index of the last message that was read when the line was drawn. */
  const [lineAfter, setLineAfter] = useState<number | null>(null);
  const isOpened = useRef(false);
  const isListed = useStore((each) => each.at(place)?.listed ?? each.listRead);

  const show = useCallback(
    (anchor: number | null, target: Target) => {
      setPart((before) => {
        const conversation = store.at(place);
        if (before !== null && conversation !== undefined && isHere(conversation, before, anchor)) {
          return { ...before, target };
        }
        return { anchor, target, number: (before?.number ?? 0) + 1 };
      });
    },
    [store, place],
  );

  const showNewest = useCallback(() => show(null, { kind: "end" }), [show]);
  const showLine = useCallback(
    () => setPart((before) => (before === null ? null : { ...before, target: { kind: "line" } })),
    [],
  );

  const jump = useCallback(
    async (id: MessageId) => {
      try {
        const index = await read(loader, store.at(place), id);
        if (index !== null) {
          show(index, { kind: "message", index });
          return;
        }
        say("You can't view that message.");
      } catch (error) {
        say(sayError(error));
      }
      setPart((before) => before ?? { anchor: null, target: { kind: "end" }, number: 0 });
    },
    [loader, store, place, show, say],
  );

  const jumpToDay = useCallback(
    async (day: Date) => {
      const conversation = store.at(place);
      if (conversation === undefined) return;
      try {
        const id = await loader.aroundMoment(conversation.id, day);
        if (id === null) say("There are no messages on or after that day.");
        else await jump(id);
      } catch (error) {
        say(sayError(error));
      }
    },
    [loader, store, place, jump, say],
  );

  const open = useCallback(async () => {
    const conversation = store.at(place);
    const { id = "", messageIndex = 0, readIndex = 0, unread = 0 } = conversation ?? {};
    if (unread === 0) return showNewest();
    setLineAfter(readIndex);
    if (messageIndex - readIndex < IN_NEWEST_PAGE) return show(null, { kind: "line" });
    // Somebody who has never read here does not begin years ago.
    if (readIndex === 0) return showNewest();
    try {
      await loader.aroundIndex(id, readIndex + 1);
      show(readIndex + 1, { kind: "line" });
    } catch {
      showNewest();
    }
  }, [store, loader, place, show, showNewest]);

  const [params] = useSearchParams();
  const [, navigate] = useLocation();
  const at = params.get("at");
  useEffect(() => {
    if (!isListed) return;
    if (at !== null) {
      // The same link works again.
      navigate(pathOf(place), { replace: true });
      isOpened.current = true;
      void jump(at);
    } else if (!isOpened.current) {
      isOpened.current = true;
      void open();
    }
  }, [isListed, at, navigate, place, jump, open]);

  return { part, lineAfter, setLineAfter, jump, jumpToDay, showNewest, showLine };
}

/** Read a message and what is around it; return its index. */
async function read(
  loader: { around(id: MessageId): Promise<void> },
  conversation: Conversation | undefined,
  id: MessageId,
): Promise<number | null> {
  if (conversation === undefined || !isMessageOf(conversation.id, id)) return null;
  const run = conversation.run(conversation.message(id)?.message_index ?? 0);
  if (run === null || run.to - run.from < WORTH_SHOWING) await loader.around(id);
  return conversation.message(id)?.message_index ?? null;
}

/** Say whether a part holds a message already; null is the newest. */
function isHere(conversation: Conversation, part: Part, anchor: number | null): boolean {
  const newest = conversation.messageIndex;
  const run = conversation.run(part.anchor ?? newest);
  const wanted = anchor ?? newest;
  return part.anchor === anchor || (run !== null && run.from <= wanted && wanted <= run.to);
}
