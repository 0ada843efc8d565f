// Desktop notifications of who is logged in, for as long as the frame is shown.

import {
  createContext,
  use,
  useEffect,
  useMemo,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import { navigate } from "wouter/use-browser-location";
import { browserDesktop } from "../client/desktop";
import type { ChatClient } from "../client/chat_client";
import { Notifications, type Desktop, type NotificationState } from "../client/notifications";
import { chime } from "../ui/chime";
import { pathOf } from "./routes";
import { useClient } from "./session";

const ICON = "/icon.svg";

const NotificationsContext = createContext<Notifications | null>(null);

export function NotificationsProvider({ children }: { children: ReactNode }) {
  const client = useClient();
  const notifications = useMemo(
    () =>
      new Notifications({
        store: client.store,
        muted: client.preferences.muted,
        wantUser: (id) => client.people.want(id),
        open: (place) => navigate(pathOf(place)),
        desktop: desktopOf(client),
        storage: localStorage,
      }),
    [client],
  );
  useEffect(() => {
    const stops = [
      client.onMessage((message) => void notifications.heard(message)),
      client.store.subscribe(() => notifications.settle()),
    ];
    return () => {
      for (const stop of stops) stop();
      notifications.closeAll();
    };
  }, [client, notifications]);
  return <NotificationsContext value={notifications}>{children}</NotificationsContext>;
}

/** Return the browser's notifications, with the pictures and the sound of this client. */
function desktopOf(client: ChatClient): Desktop {
  const desktop = browserDesktop();
  return {
    ...desktop,
    show: (told, onClick) => {
      if (client.device.held.get().sound) chime();
      // The browser has no token to fetch a picture with.
      const isPicture = told.icon.startsWith("/user-service/");
      const icon = isPicture ? (client.pictures.get(told.icon) ?? ICON) : told.icon;
      return desktop.show({ ...told, icon }, onClick);
    },
  };
}

/** Return whether notifications are on, and how to turn them on (in answer to a click) and off. */
export function useNotifications(): {
  state: NotificationState;
  turnOn: () => Promise<void>;
  turnOff: () => void;
} {
  const notifications = use(NotificationsContext);
  if (notifications === null) throw new Error("there is no NotificationsProvider");
  const state = useSyncExternalStore(notifications.subscribe, notifications.state);
  return {
    state,
    turnOn: () => notifications.turnOn(),
    turnOff: () => notifications.turnOff(),
  };
}
