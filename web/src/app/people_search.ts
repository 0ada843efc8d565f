// Finds people while one types their name: those that are known here by any word of it, others by
// what the platform finds.

import { useEffect, useMemo, useState } from "react";
import type { UserSummary } from "../session/api";
import { useStore } from "./hooks";
import { matching, wantedBy } from "./matching";
import { useClient } from "./session";

const PAUSE_MS = 150;
const MOST = 50;
const NOBODY: readonly UserSummary[] = [];

export interface PeopleFound {
  /** Without oneself. Until there is an answer, those that are known here. */
  readonly people: readonly UserSummary[];
  readonly isSearching: boolean;
  readonly error: unknown;
}

interface Answer {
  readonly text: string;
  readonly people: readonly UserSummary[];
  readonly error: unknown;
}

export function usePeopleSearch(text: string): PeopleFound {
  const { api, store } = useClient();
  const [answer, setAnswer] = useState<Answer>({ text: "", people: NOBODY, error: null });
  const wanted = wantedBy(text);
  useEffect(() => {
    if (wanted === "") return setAnswer({ text: "", people: NOBODY, error: null });
    let isCurrent = true;
    const timer = setTimeout(() => {
      api.findUsers(wanted).then(
        (users) => {
          store.putUsers(users);
          if (isCurrent) setAnswer({ text: wanted, people: users, error: null });
        },
        (error: unknown) => {
          if (isCurrent) setAnswer({ text: wanted, people: NOBODY, error });
        },
      );
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api, store, wanted]);
  const users = useStore((each) => each.users);
  const isAnswered = answer.text === wanted;
  const people = useMemo(() => {
    if (wanted === "") return NOBODY;
    const known = matching([...users.values()], allNamesOf, wanted);
    const ids = new Set(known.map((user) => user.user_id));
    const others = isAnswered ? answer.people.filter((user) => !ids.has(user.user_id)) : NOBODY;
    return [...known, ...others]
      .filter((user) => user.user_id !== store.selfId && !user.deleted)
      .slice(0, MOST);
  }, [store, users, wanted, isAnswered, answer.people]);
  return wanted === ""
    ? { people, isSearching: false, error: null }
    : { people, isSearching: !isAnswered, error: answer.error };
}

function allNamesOf(user: UserSummary): string {
  return `${user.display_name ?? ""} ${user.username}`.trim();
}
