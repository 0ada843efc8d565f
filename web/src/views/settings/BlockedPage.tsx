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
        You and the people you block can't message each other. They won't be notified. You still
        see each other in rooms you share.
      </p>
      {blocked.size === 0 ? (
        <p className={styles["empty"]}>
          You haven't blocked anyone. To block someone, open your private chat with them and choose Profile.
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
