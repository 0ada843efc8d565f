// Whom one does not want to hear from.

import { useStore, useUser, useUserName } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { useAction } from "./useAction";
import styles from "./Page.module.css";

export function BlockedPage() {
  const blocked = useStore((store) => store.blocked);
  return (
    <>
      <p className={styles["lead"]}>
        Who is blocked cannot write to you, and you not to them. They are not told. In rooms that
        both of you are in you still see each other.
      </p>
      {blocked.size === 0 ? (
        <p className={styles["empty"]}>
          Nobody is blocked. Somebody can be blocked from the menu of a private chat.
        </p>
      ) : (
        <ul className={styles["list"]} aria-label="Blocked people">
          {[...blocked].map((userId) => (
            <Row key={userId} userId={userId} />
          ))}
        </ul>
      )}
    </>
  );
}

function Row({ userId }: { userId: UserId }) {
  const client = useClient();
  const user = useUser(userId);
  const name = useUserName(userId);
  const action = useAction();
  return (
    <li>
      <Avatar id={userId} name={name} url={user?.avatar_url} />
      <div>
        <strong>{name}</strong>
        {user !== null && user.username !== name && (
          <p className={styles["soft"]}>{user.username}</p>
        )}
        {action.problem !== null && (
          <p className={styles["problem"]} role="alert">
            {action.problem}
          </p>
        )}
      </div>
      <Button
        disabled={action.isBusy}
        onClick={() => void action.run(() => client.unblock(userId))}
        aria-label={`Unblock ${name}`}
      >
        Unblock
      </Button>
    </li>
  );
}
