import { useEffect, useId, useMemo, useState } from "react";
import { useStore } from "../../app/hooks";
import { usePeopleSearch } from "../../app/people_search";
import { useClient } from "../../app/session";
import type { ConversationDetails } from "../../store/selectors";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { MemberRow } from "./MemberRow";
import { membersLike } from "./rights";
import styles from "./RoomPanel.module.css";

const SHOWN_AT_FIRST = 50;
/** So many names are asked for at once, to stand in order; those of more are searched. */
const ASKED = 200;
const SEARCHED_FROM = 8;

interface Props {
  conversation: ConversationDetails;
}

export function Members({ conversation }: Props) {
  const { people } = useClient();
  const { members, size, inside, role, settings } = conversation;
  // The same until something of it changes, which messages do not.
  const room = useMemo(() => ({ inside, role, settings }), [inside, role, settings]);
  const id = useId();
  const [text, setText] = useState("");
  const [count, setCount] = useState(SHOWN_AT_FIRST);
  const users = useStore((store) => store.users);
  useEffect(() => {
    for (const userId of [...(members?.keys() ?? [])].slice(0, ASKED)) people.want(userId);
  }, [members, people]);
  // Who is found comes into the store, and so into the list.
  usePeopleSearch(size > ASKED ? text : "");
  const found = useMemo(() => (members === null ? [] : membersLike(members, users, text)), [members, users, text]);
  if (members === null) return <p className={styles["soft"]}>Loading members…</p>;
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      <h3 id={id}>Members ({size.toLocaleString()})</h3>
      {size >= SEARCHED_FROM && (
        <Field
          label="Find a member"
          type="search"
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <ul className={styles["people"]}>
        {found.slice(0, count).map((member) => (
          <MemberRow
            key={member.userId}
            room={room}
            roomId={conversation.id}
            userId={member.userId}
            role={member.role}
          />
        ))}
      </ul>
      {found.length === 0 && <p className={styles["soft"]}>No members match “{text.trim()}”.</p>}
      {found.length > count && (
        <Button kind="quiet" onClick={() => setCount(count + SHOWN_AT_FIRST)}>
          Show more
        </Button>
      )}
    </section>
  );
}
