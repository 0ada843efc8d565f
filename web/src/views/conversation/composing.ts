// What the next message of a place answers, or which message is being changed. Message actions
// begin it, the composer shows and ends it. It stays when another conversation is looked at.

import { createContext, use, useCallback, useMemo, useState } from "react";
import { useClient } from "../../app/session";
import type { MessageId } from "../../protocol/ids";
import type { PlaceKey } from "../../store/outgoing";

/** At most one of both is set. */
export interface ComposingState {
  readonly replyTo: MessageId | null;
  readonly editing: MessageId | null;
}

export interface Composing extends ComposingState {
  /** Raised whenever something begins, also for the same message again: move the focus then. */
  readonly begun: number;
  /** Answer a message with the next one. */
  reply(id: MessageId): void;
  /** Change a message of one's own. */
  edit(id: MessageId): void;
  /** End both: it was sent, changed or given up. */
  stop(): void;
}

const NOTHING: ComposingState = { replyTo: null, editing: null };
const kept = new WeakMap<object, Map<PlaceKey, ComposingState>>();

export const ComposingContext = createContext<Composing | null>(null);

/** Hold the state of a place; what it returns goes into `ComposingContext`. */
export function useComposingOf(place: PlaceKey): Composing {
  const { drafts } = useClient();
  const states = useMemo(() => {
    const all = kept.get(drafts) ?? new Map<PlaceKey, ComposingState>();
    kept.set(drafts, all);
    return all;
  }, [drafts]);
  const [state, setState] = useState(() => states.get(place) ?? NOTHING);
  const [begun, setBegun] = useState(0);
  const put = useCallback(
    (now: ComposingState) => {
      states.set(place, now);
      setState(now);
      if (now !== NOTHING) setBegun((count) => count + 1);
    },
    [states, place],
  );
  const reply = useCallback((id: MessageId) => put({ replyTo: id, editing: null }), [put]);
  const edit = useCallback((id: MessageId) => put({ replyTo: null, editing: id }), [put]);
  const stop = useCallback(() => put(NOTHING), [put]);
  return useMemo(() => ({ ...state, begun, reply, edit, stop }), [state, begun, reply, edit, stop]);
}

/** Return what is being answered or changed in the conversation around this view. */
export function useComposing(): Composing {
  const composing = use(ComposingContext);
  if (composing === null) throw new Error("there is no conversation around this view");
  return composing;
}
