// Who is logged in, and what concerns everything.

import { useState } from "react";
import { useLocation } from "wouter";
import { useUser } from "../../app/hooks";
import { nameOf } from "../../app/names";
import { useNotifications } from "../../app/notifications";
import { useClient, useSession } from "../../app/session";
import { SHORTCUTS } from "./shortcut_list";
import { keysOf } from "../../app/shortcuts";
import { Avatar } from "../../ui/Avatar";
import { Banner } from "../../ui/Banner";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
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
      <Menu trigger={<IconButton icon="add" label="New conversation" />}>
        <MenuItem onSelect={onNewChat} hint={keysOf(SHORTCUTS.search).join(" ")}>
          Write to somebody
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
      align="start"
      trigger={
        <button type="button" className={styles["self"]} aria-label={`${name}, your account`}>
          <Avatar id={store.selfId} name={name} url={user?.avatar_url} size="small" />
          <strong className={styles["name"]}>{name}</strong>
          <Icon name="down" />
        </button>
      }
    >
      <MenuItem onSelect={() => navigate("/settings")}>Settings</MenuItem>
      <MenuItem onSelect={onShowShortcuts} hint={keysOf(SHORTCUTS.help).join(" ")}>
        Keyboard shortcuts
      </MenuItem>
      <MenuLine />
      {/* Where the platform is away, this browser has forgotten the session all the same. */}
      <MenuItem onSelect={() => void logOut().catch(() => undefined)}>Log out</MenuItem>
    </Menu>
  );
}

/** Asks for desktop notifications; on a click only. */
function Bell() {
  const { state, turnOn, turnOff } = useNotifications();
  const [isAsked, setAsked] = useState(false);
  if (state === "unsupported") return null;
  const isOn = state === "on";
  return (
    <>
      <IconButton
        icon={isOn ? "bell" : "bellOff"}
        label={isOn ? "Turn desktop notifications off" : "Turn desktop notifications on"}
        className={styles["bell"] ?? ""}
        data-on={isOn || undefined}
        onClick={() => {
          if (isOn) return turnOff();
          setAsked(true);
          void turnOn();
        }}
      />
      <div role="status" className={styles["refused"]}>
        {isAsked && state === "denied" && (
          <Banner
            kind="warn"
            action={<IconButton icon="close" label="Close" onClick={() => setAsked(false)} />}
          >
            Your browser blocks notifications of this page. Allow them in its settings for this
            site.
          </Banner>
        )}
      </div>
    </>
  );
}
