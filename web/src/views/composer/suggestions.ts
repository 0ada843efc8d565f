// Finds what completes a token: members of the conversation, emoji.

import { useEffect, useMemo, useState } from "react";
import { useConversation, useStore } from "../../app/hooks";
import { usePeopleSearch } from "../../app/people_search";
import { useClient } from "../../app/session";

import type { UserId } from "../../protocol/ids";
import type { UserSummary } from "../../session/api";
import type { PlaceKey } from "../../store/outgoing";
import { findEmoji, loadEmoji, type Emoji } from "../../ui/emoji/emoji";
import type { Token } from "./editing";
import { rankedUsers } from "./mentions";

const SHOWN = 8;
/** The names of so many members are asked for at once; those of more are searched. */
const ASKED = 200;
const NONE: readonly Suggestion[] = [];

export interface Suggestion {
  readonly key: string;
  /** What takes the place of the token. */
  readonly insert: string;
  readonly label: string;
  readonly detail: string;
  /** Null for an emoji. */
  readonly user: UserSummary | null;
}

/** Return what completes a token, best first; nothing while it is not known. */
export function useSuggestions(place: PlaceKey, token: Token | null): readonly Suggestion[] {
  const mentions = useMentions(place, token?.kind === "mention" ? token.query : null);
  const emoji = useEmoji(token?.kind === "emoji" ? token.query : null);
  return token?.kind === "emoji" ? emoji : mentions;
}

function useMentions(place: PlaceKey, query: string | null): readonly Suggestion[] {
  const { store, people, loader } = useClient();
  const members = useConversation(place)?.members ?? null;
  const ids = useMemo(() => {
    const all: readonly UserId[] = place.startsWith("u:") ? [place.slice(2)] : [...(members?.keys() ?? [])];
    return new Set(all.filter((id) => id !== store.selfId));
  }, [place, members, store]);
  const isWanted = query !== null;
  useEffect(() => {
    if (!isWanted) return;
    if (place.startsWith("r:")) loader.members(place.slice(2)).catch(() => undefined);
    for (const id of [...ids].slice(0, ASKED)) people.want(id);
  }, [isWanted, ids, people, loader, place]);
  // What it finds comes into the store, and so among the users below.
  usePeopleSearch(isWanted && ids.size > ASKED ? query : "");
  const users = useStore((each) => each.users);
  return useMemo(() => {
    if (query === null) return NONE;
    return rankedUsers(users, ids, query, SHOWN).map((user) => ({
      key: user.user_id,
      insert: `@${user.username} `,
      label: user.display_name || user.username,
      detail: `@${user.username}`,
      user,
    }));
  }, [query, users, ids]);
}

function useEmoji(query: string | null): readonly Suggestion[] {
  const [all, setAll] = useState<readonly Emoji[]>([]);
  const isWanted = query !== null;
  useEffect(() => {
    // Offline there are none, and what is typed is text.
    if (isWanted) loadEmoji().then(setAll, () => undefined);
  }, [isWanted]);
  return useMemo(() => {
    if (query === null) return NONE;
    return findEmoji(all, query, SHOWN).map((emoji) => ({
      key: emoji.text,
      insert: `${emoji.text} `,
      label: `:${emoji.names[0]}:`,
      detail: emoji.label,
      user: null,
    }));
  }, [query, all]);
}
