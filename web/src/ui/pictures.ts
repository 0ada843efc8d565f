// Where pictures come from whose address alone does not show them.

import { createContext, use, useCallback, useSyncExternalStore } from "react";

export interface PictureSource {
  /** Return an address that an `<img>` can show; undefined until there is one. */
  get(address: string): string | undefined;
  /** Fetch and hold a picture; call a listener when it is there. Return how to let it go. */
  use(address: string, listener: () => void): () => void;
}

export const PictureContext = createContext<PictureSource | null>(null);

/** Return what to show of a picture; undefined where there is none, or none yet. */
export function usePicture(address: string | undefined): string | undefined {
  const source = use(PictureContext);
  const needsSource = address?.startsWith("/") === true && source !== null;
  const subscribe = useCallback(
    (listener: () => void) =>
      needsSource ? source.use(address, listener) : () => undefined,
    [source, address, needsSource],
  );
  return useSyncExternalStore(subscribe, () =>
    needsSource ? source.get(address) : address || undefined,
  );
}
