// Whether the panel about a conversation is open. Beside the conversation it stays open from one to
// the next; in front of it, going back in the browser closes it.

import { useSyncExternalStore } from "react";
import { navigate, useHistoryState } from "wouter/use-browser-location";
import { Cell } from "../../store/cell";

/** Below it, the panel covers the conversation. As in the styles of the panel. */
const NARROW = matchMedia("(max-width: 64rem)");

const isOpenBeside = new Cell(false);

export function usePanel(): { isOpen: boolean; open: () => void; close: () => void } {
  const isNarrow = useSyncExternalStore(followWidth, () => NARROW.matches);
  const isBeside = useSyncExternalStore(isOpenBeside.subscribe, isOpenBeside.get);
  const state = useHistoryState<{ panel?: true } | null>();
  const isInFront = state?.panel === true;
  return {
    isOpen: isNarrow ? isInFront : isBeside,
    open: () => {
      if (isNarrow) navigate(location.pathname, { state: { panel: true } });
      else isOpenBeside.set(true);
    },
    close: () => {
      isOpenBeside.set(false);
      if (isInFront) history.back();
    },
  };
}

function followWidth(listener: () => void): () => void {
  NARROW.addEventListener("change", listener);
  return () => NARROW.removeEventListener("change", listener);
}
