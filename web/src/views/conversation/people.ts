// How people are named in a conversation.

import { useEffect } from "react";
import { useStore } from "../../app/hooks";
import { nameOf } from "../../app/names";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import type { Store } from "../../store/store";

export function nameIn(store: Store, id: UserId): string {
  if (id === store.selfId) return "You";
  return nameOf(store.users.get(id));
}

/** Return "Ann, Bob and 3 others"; oneself is "You". */
export function useNames(ids: readonly UserId[], shown: number): string {
  const { people } = useClient();
  useEffect(() => {
    for (const id of ids.slice(0, shown)) people.want(id);
  }, [people, ids, shown]);
  return useStore((store) => listNames(ids.slice(0, shown).map((id) => nameIn(store, id)), ids.length));
}

/** Join some names of `all` people. */
export function listNames(names: readonly string[], all: number): string {
  const others = all - names.length;
  if (others > 0) return `${names.join(", ")} and ${others} ${others === 1 ? "other" : "others"}`;
  if (names.length < 2) return names[0] ?? "";
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
