// A member, and what one may do about them.

import { memo, useId, useState } from "react";
import { Link } from "wouter";
import { useOnline, useUser } from "../../app/hooks";
import { pathOf, privatePlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { Role } from "../../protocol/events";
import type { RoomId, UserId } from "../../protocol/ids";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { Confirm } from "./Confirm";
import { Problem } from "./Problem";
import { mayGiveRoles, mayRemove, type Room } from "./rights";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

const ROLES: Readonly<Record<Role, string>> = { owner: "Owner", admin: "Admin", member: "" };

interface Props {
  room: Room;
  roomId: RoomId;
  userId: UserId;
  role: Role;
}

export const MemberRow = memo(function MemberRow({ room, roomId, userId, role }: Props) {
  const { store } = useClient();
  const user = useUser(userId);
  const isOnline = useOnline(userId);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const name = user === null ? "…" : user.display_name || user.username;
  const isSelf = userId === store.selfId;
  return (
    <li>
      <div className={styles["person"]}>
        <Avatar id={userId} name={name} url={user?.avatar_url} isOnline={isOnline} size="small" />
        <span className={styles["name"]}>
          {name}
          {isSelf && " (you)"}
          {isOnline && <span className="visually-hidden">, online</span>}
          {user?.display_name && <small>@{user.username}</small>}
        </span>
        {role !== "member" && <span className={styles["badge"]}>{ROLES[role]}</span>}
        {!isSelf && (
          <IconButton
            label={`More actions for ${name}`}
            aria-expanded={isOpen}
            aria-controls={isOpen ? id : undefined}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name="more" size={18} />
          </IconButton>
        )}
      </div>
      {isOpen && !isSelf && (
        <div id={id} className={styles["actions"]}>
          {!user?.deleted && (
            <Link className={styles["link"]} href={pathOf(privatePlace(userId))}>
              Message {name}
            </Link>
          )}
          {mayGiveRoles(room) && <Roles roomId={roomId} userId={userId} role={role} name={name} />}
          {mayRemove(room, role) && <Removal roomId={roomId} userId={userId} name={name} />}
        </div>
      )}
    </li>
  );
});

interface RolesProps {
  roomId: RoomId;
  userId: UserId;
  role: Role;
  name: string;
}

function Roles({ roomId, userId, role, name }: RolesProps) {
  const client = useClient();
  const { isBusy, problem, run } = useAction();
  const other = role === "admin" ? "member" : "admin";
  return (
    <>
      <Button disabled={isBusy} onClick={() => void run(() => client.changeRole(roomId, userId, other))}>
        {other === "admin" ? "Make admin" : "Make member"}
      </Button>
      <Problem text={problem} />
      <Confirm
        label="Transfer ownership"
        question={`Make ${name} the owner? You'll become an admin, and you can't undo this.`}
        yes="Transfer"
        task={() => client.changeRole(roomId, userId, "owner")}
      />
    </>
  );
}

function Removal({ roomId, userId, name }: Omit<RolesProps, "role">) {
  const client = useClient();
  return (
    <Confirm
      label="Remove from room"
      question={`Remove ${name} from the room?`}
      yes="Remove"
      task={() => client.removeMember(roomId, userId)}
    />
  );
}
