// A room: its name, settings, pins and members, and leaving it.

import { useEffect } from "react";
import { useConnection, useConversation } from "../../app/hooks";
import { roomPlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { RoomId } from "../../protocol/ids";
import { Avatar } from "../../ui/Avatar";
import { Confirm } from "./Confirm";
import { Invite } from "./Invite";
import { Members } from "./Members";
import { Mute } from "./Mute";
import { Pins } from "./Pins";
import { mayAdd, mayChange } from "./rights";
import { RoomName } from "./RoomName";
import { Settings } from "./Settings";
import styles from "./RoomPanel.module.css";

export function Room({ id }: { id: RoomId }) {
  const client = useClient();
  const conversation = useConversation(roomPlace(id));
  const isLive = useConnection() === "live";
  const isInside = conversation?.inside ?? false;
  const isMissing = conversation?.members === null;
  useEffect(() => {
    // It is kept up to date by events; after a new beginning it is read again.
    if (!isLive || !isInside) return;
    const { loader } = client;
    (isMissing ? loader.room(id) : Promise.resolve()).then(() => loader.members(id)).catch(() => undefined);
  }, [client, id, isLive, isInside, isMissing]);
  if (conversation === null) return null;
  const { name, members, size, settings, role } = conversation;
  return (
    <>
      <div className={styles["top"]}>
        <Avatar id={id} name={name} isRoom />
        <div>
          <RoomName key={name} roomId={id} name={name} mayRename={mayChange(conversation)} />
          {isInside && members !== null && (
            <p className={styles["soft"]}>
              {size === 1 ? "1 member" : `${size.toLocaleString()} members`}
              {role !== null && role !== "member" && (role === "owner" ? " · you're the owner" : " · you're an admin")}
            </p>
          )}
        </div>
      </div>
      {!isInside && <p className={styles["notice"]}>You're no longer in this room.</p>}
      {isInside && (
        <>
          <Mute id={id} />
          <Pins conversation={conversation} />
          {mayAdd(conversation) && members !== null && <Invite roomId={id} members={members} />}
          <Members conversation={conversation} />
          {settings !== null && (
            <Settings roomId={id} settings={settings} mayChange={mayChange(conversation)} />
          )}
          <section className={styles["section"]} aria-label="Leave">
            <Confirm
              label="Leave room"
              question={leaving(role, size)}
              yes="Leave"
              task={() => client.leaveRoom(id)}
            />
          </section>
        </>
      )}
    </>
  );
}

function leaving(role: string | null, members: number): string {
  if (members === 1) return "Leave the room? You're the last member, so no one can come back to it.";
  const others = "You can come back only if a member adds you.";
  if (role !== "owner") return `Leave the room? ${others}`;
  return `Leave the room? Ownership goes to the admin who has been here longest, or to the longest-standing member if there are no admins. ${others}`;
}
