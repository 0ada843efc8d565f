import { useEffect, useId, useMemo } from "react";
import { Link } from "wouter";
import { useConversations, useStore } from "../../app/hooks";
import { pathOf } from "../../app/routes";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import { Avatar } from "../../ui/Avatar";
import styles from "./RoomPanel.module.css";

/** The members of so many rooms are read, those with the latest activity. */
const LOOKED_AT = 20;

/** The rooms that a user is in as well as oneself, as far as their members are known. */
export function SharedRooms({ userId }: { userId: UserId }) {
  const { store, loader } = useClient();
  const id = useId();
  const conversations = useConversations();
  const rooms = useMemo(() => conversations.filter(({ kind }) => kind === "room"), [conversations]);
  useEffect(() => {
    let isCurrent = true;
    const read = async () => {
      // One after the other: nobody waits for it.
      for (const room of rooms.slice(0, LOOKED_AT)) {
        if (!isCurrent) return;
        if (store.conversations.get(room.id)?.members === null) await loader.room(room.id);
      }
    };
    read().catch(() => undefined);
    return () => {
      isCurrent = false;
    };
  }, [store, loader, rooms]);
  // A text, so that it is the same while nothing changes.
  const shared = useStore(({ conversations: all }) =>
    rooms.flatMap((room) => (all.get(room.id)?.members?.has(userId) ? room.id : [])).join(" "),
  );
  const ids = new Set(shared.split(" "));
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      <h3 id={id}>Rooms you share</h3>
      {shared === "" && <p className={styles["soft"]}>You don't share any rooms.</p>}
      <ul className={styles["people"]}>
        {rooms
          .filter((room) => ids.has(room.id))
          .map((room) => (
            <li key={room.id}>
              <Link href={pathOf(room.place)} className={styles["person"]}>
                <Avatar id={room.id} name={room.name} isRoom size="small" />
                <span className={styles["name"]}>{room.name}</span>
              </Link>
            </li>
          ))}
      </ul>
    </section>
  );
}
