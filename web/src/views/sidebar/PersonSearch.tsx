// Finds people by the beginning of their name.

import { useEffect, useState } from "react";
import { Link } from "wouter";
import { pathOf, privatePlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { UserSummary } from "../../session/api";
import { Avatar } from "../../ui/Avatar";
import { Field } from "../../ui/Field";
import styles from "./Sidebar.module.css";

const PAUSE_MS = 200;

export function PersonSearch() {
  const { api, store } = useClient();
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly UserSummary[]>([]);
  const wanted = text.trim();
  useEffect(() => {
    if (wanted === "") return setFound([]);
    let isCurrent = true;
    const timer = setTimeout(() => {
      api.findUsers(wanted).then(
        (users) => {
          store.putUsers(users);
          if (isCurrent) setFound(users.filter((user) => user.user_id !== store.selfId));
        },
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api, store, wanted]);
  return (
    <search className={styles["search"]}>
      <Field
        label="Find people"
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <ul className={styles["found"]}>
        {found.map((user) => (
          <li key={user.user_id}>
            <Link href={pathOf(privatePlace(user.user_id))} onClick={() => setText("")}>
              <Avatar id={user.user_id} name={user.username} url={user.avatar_url} size="small" />
              {user.display_name || user.username}
            </Link>
          </li>
        ))}
      </ul>
    </search>
  );
}
