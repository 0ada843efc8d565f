// Whether somebody is looking: the page is visible and has the focus.

import { useSyncExternalStore } from "react";

function subscribe(listener: () => void): () => void {
  window.addEventListener("focus", listener);
  window.addEventListener("blur", listener);
  document.addEventListener("visibilitychange", listener);
  return () => {
    window.removeEventListener("focus", listener);
    window.removeEventListener("blur", listener);
    document.removeEventListener("visibilitychange", listener);
  };
}

function isAttentive(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

export function useAttention(): boolean {
  return useSyncExternalStore(subscribe, isAttentive);
}
