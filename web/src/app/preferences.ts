import { useSyncExternalStore } from "react";
import type { ConversationId } from "../protocol/ids";
import { useClient } from "./session";

/** Return the conversations that are muted. Change them with `client.preferences.mute`. */
export function useMuted(): ReadonlySet<ConversationId> {
  const { preferences } = useClient();
  return useSyncExternalStore(preferences.subscribe, preferences.muted);
}
