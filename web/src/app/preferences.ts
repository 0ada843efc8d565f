import { useSyncExternalStore } from "react";
import type { IdList } from "../client/preferences";
import type { ConversationId } from "../protocol/ids";
import { useClient } from "./session";

/** Return the conversations of a list. Change it with `client.preferences.put`. */
export function useIdList(list: IdList): ReadonlySet<ConversationId> {
  const { preferences } = useClient();
  return useSyncExternalStore(preferences.subscribe, () => preferences.ids(list));
}

/** Return the conversations that are muted. Change them with `client.preferences.mute`. */
export function useMuted(): ReadonlySet<ConversationId> {
  return useIdList("muted");
}
