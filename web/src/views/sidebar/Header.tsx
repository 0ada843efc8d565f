// Who is logged in, and what concerns everything.

import { useLocation } from "wouter";
import { useUser } from "../../app/hooks";
import { nameOf } from "../../app/names";
import { useClient, useSession } from "../../app/session";
import { SHORTCUTS } from "./shortcut_list";
import { keysOf } from "../../app/shortcuts";
import { Avatar } from "../../ui/Avatar";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
import { Bell } from "../alerts/Bell";
import styles from "./Header.module.css";

interface Props {
  onNewRoom: () => void;
  onNewChat: () => void;
  onShowShortcuts: () => void;
}

export function Header({ onNewRoom, onNewChat, onShowShortcuts }: Props) {
  return (
    <header className={styles["header"]}>
      <AccountMenu onShowShortcuts={onShowShortcuts} />
      <Bell />
      <Menu
        label="New conversation"
        trigger={
          <IconButton label="New conversation">
            <Icon name="add" size={18} />
          </IconButton>
        }
      >
        <MenuItem onSelect={onNewChat} hint={keysOf(SHORTCUTS.search).join(" ")}>
          Message someone
        </MenuItem>
        <MenuItem onSelect={onNewRoom}>Create a room</MenuItem>
      </Menu>
    </header>
  );
}

function AccountMenu({ onShowShortcuts }: { onShowShortcuts: () => void }) {
  const { store } = useClient();
  const { logOut } = useSession();
  const [, navigate] = useLocation();
  const user = useUser(store.selfId);
  const name = nameOf(user);
  return (
    <Menu
      label="Your account"
      align="start"
      trigger={
        <button type="button" className={styles["self"]}>
          <Avatar id={store.selfId} name={name} url={user?.avatar_url} size="small" />
          <strong className={styles["name"]}>
            {name}
            <span className="visually-hidden">, your account</span>
          </strong>
          <Icon name="down" />
        </button>
      }
    >
      <MenuItem onSelect={() => navigate("/settings")}>Settings</MenuItem>
      <MenuItem onSelect={() => navigate("/settings/notifications")}>Notifications</MenuItem>
      <MenuItem onSelect={onShowShortcuts} hint={keysOf(SHORTCUTS.help).join(" ")}>
        Keyboard shortcuts
      </MenuItem>
      <MenuLine />
      {/* Where the platform is away, this browser has forgotten the session all the same. */}
      <MenuItem onSelect={() => void logOut().catch(() => undefined)}>Log out</MenuItem>
    </Menu>
  );
}
