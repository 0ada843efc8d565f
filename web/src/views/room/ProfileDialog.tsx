import { useLocation } from "wouter";
import { useUser } from "../../app/hooks";
import { pathOf, privatePlace } from "../../app/routes";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Person } from "./Person";
import styles from "./RoomPanel.module.css";

interface Props {
  userId: UserId;
  onClose: () => void;
}

export default function ProfileDialog({ userId, onClose }: Props) {
  const [path, navigate] = useLocation();
  const { store } = useClient();
  const user = useUser(userId);
  const own = pathOf(privatePlace(userId));
  const go = (to: string) => {
    onClose();
    navigate(to);
  };
  const action =
    userId === store.selfId ? (
      <Button onClick={() => go("/settings")}>Edit your profile</Button>
    ) : user?.deleted || path === own ? undefined : (
      <Button kind="primary" onClick={() => go(own)}>
        Message
      </Button>
    );
  return (
    <Dialog title="Profile" onClose={onClose} actions={action}>
      <div className={styles["card"]}>
        <Person userId={userId} />
      </div>
    </Dialog>
  );
}
