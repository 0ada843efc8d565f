// The other one of a private chat.

import { useEffect, useState } from "react";
import { useBlocked, useConversation, useOnline, useUser } from "../../app/hooks";
import { nameOf } from "../../app/names";
import { privatePlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { longDay } from "../../ui/times";
import { Confirm } from "./Confirm";
import { Mute } from "./Mute";
import { Pins } from "./Pins";
import { Problem } from "./Problem";
import { SharedRooms } from "./SharedRooms";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

interface Profile {
  /** Empty where the platform does not show it. */
  readonly email: string;
  readonly created_at: string;
}

export function Person({ userId }: { userId: UserId }) {
  const { store } = useClient();
  const user = useUser(userId);
  const isOnline = useOnline(userId);
  const conversation = useConversation(privatePlace(userId));
  const { profile, problem } = useProfile(userId);
  const name = nameOf(user);
  const isDeleted = user?.deleted ?? false;
  return (
    <>
      <div className={styles["top"]}>
        <Avatar id={userId} name={name} url={user?.avatar_url} isOnline={isOnline} />
        <div>
          <h3>{name}</h3>
          <p className={styles["soft"]}>
            {user?.display_name && !isDeleted && `@${user.username} · `}
            {isDeleted ? "This account was deleted" : isOnline ? "Online" : "Offline"}
          </p>
        </div>
      </div>
      {!isDeleted && (
        <>
          <dl className={styles["facts"]}>
            {profile?.email && (
              <div>
                <dt>Email</dt>
                <dd>
                  <a href={`mailto:${encodeURIComponent(profile.email).replace("%40", "@")}`}>{profile.email}</a>
                </dd>
              </div>
            )}
            {profile && (
              <div>
                <dt>Joined</dt>
                <dd>{longDay(profile.created_at)}</dd>
              </div>
            )}
          </dl>
          <Problem text={problem} />
        </>
      )}
      {conversation !== null && (
        <>
          <Mute id={conversation.id} />
          <Pins conversation={conversation} />
        </>
      )}
      {userId !== store.selfId && <SharedRooms userId={userId} />}
      {!isDeleted && userId !== store.selfId && <Block userId={userId} name={name} />}
    </>
  );
}

function useProfile(userId: UserId): { profile: Profile | null; problem: string | null } {
  const { api } = useClient();
  const [profile, setProfile] = useState<Profile | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    api.get<Profile>(`/user-service/users/${userId}`).then(
      (answer) => isCurrent && setProfile(answer),
      (error: unknown) => isCurrent && setProblem(sayError(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, userId]);
  return { profile, problem };
}

function Block({ userId, name }: { userId: UserId; name: string }) {
  const client = useClient();
  const isBlocked = useBlocked(userId);
  const { isBusy, problem, run } = useAction();
  return (
    <section className={styles["section"]} aria-label="Block">
      {isBlocked ? (
        <>
          <p>You blocked {name}. You can't message each other.</p>
          <Button disabled={isBusy} onClick={() => void run(() => client.unblock(userId))}>
            Unblock
          </Button>
          <Problem text={problem} />
        </>
      ) : (
        <Confirm
          label={`Block ${name}`}
          question={`Block ${name}? You won't be able to message each other or add each other to rooms. They won't be notified.`}
          yes="Block"
          task={() => client.block(userId)}
        />
      )}
    </section>
  );
}
