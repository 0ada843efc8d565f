// Finds people by the beginning of their name, while one writes it.

import { useEffect, useState } from "react";
import type { UserSummary } from "../session/api";
import { useClient } from "./session";

const PAUSE_MS = 150;
const NOBODY: readonly UserSummary[] = [];

export interface PeopleFound {
  /** Without oneself. Those of the text before, until there is an answer. */
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
  const wanted = text.trim();
  useEffect(() => {
    if (wanted === "") return setAnswer({ text: "", people: NOBODY, error: null });
    let isCurrent = true;
    const timer = setTimeout(() => {
      api.findUsers(wanted).then(
        (users) => {
          store.putUsers(users);
          const people = users.filter((user) => user.user_id !== store.selfId && !user.deleted);
          if (isCurrent) setAnswer({ text: wanted, people, error: null });
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
  const { people, error } = answer;
  return wanted === ""
    ? { people: NOBODY, isSearching: false, error: null }
    : { people, isSearching: answer.text !== wanted, error };
}
