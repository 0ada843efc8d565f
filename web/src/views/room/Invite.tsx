import { useId, useState } from "react";
import { usePeopleSearch } from "../../app/people_search";
import { useClient } from "../../app/session";
import type { Role } from "../../protocol/events";
import type { RoomId, UserId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import type { UserSummary } from "../../session/api";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Problem } from "./Problem";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

interface Props {
  roomId: RoomId;
  members: ReadonlyMap<UserId, Role>;
}

/** Finds people, and adds them. */
export function Invite({ roomId, members }: Props) {
  const id = useId();
  const [text, setText] = useState("");
  const { people, isSearching, error } = usePeopleSearch(text);
  const isNobody = text.trim() !== "" && !isSearching && error === null && people.length === 0;
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      <h3 id={id}>Add people</h3>
      <Field
        label="Find by name"
        type="search"
        maxLength={64}
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div role="status" className={styles["soft"]}>
        {isNobody && `No people match “${text.trim()}”.`}
      </div>
      <ul className={styles["people"]}>
        {people.map((user) => (
          <Found key={user.user_id} roomId={roomId} user={user} isMember={members.has(user.user_id)} />
        ))}
      </ul>
      <Problem text={error === null ? null : sayError(error)} />
    </section>
  );
}

function Found({ roomId, user, isMember }: { roomId: RoomId; user: UserSummary; isMember: boolean }) {
  const client = useClient();
  const { isBusy, problem, run } = useAction();
  const [isInvited, setInvited] = useState(false);
  const name = user.display_name || user.username;
  return (
    <li>
      <div className={styles["person"]}>
        <Avatar id={user.user_id} name={name} url={user.avatar_url} size="small" />
        <span className={styles["name"]}>
          {name}
          {user.display_name && <small>@{user.username}</small>}
        </span>
        {isMember ? (
          <span className={styles["soft"]}>Already a member</span>
        ) : isInvited ? (
          <span className={styles["soft"]} role="status">
            Invited. They have to accept.
          </span>
        ) : (
          <Button
            className={styles["small"] ?? ""}
            aria-label={`Add ${name}`}
            disabled={isBusy}
            onClick={() =>
              void run(async () => setInvited(await client.addMember(roomId, user.user_id)))
            }
          >
            Add
          </Button>
        )}
      </div>
      <Problem text={problem} />
    </li>
  );
}
