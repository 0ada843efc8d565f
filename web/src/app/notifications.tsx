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
import { browserDesktop, tellWatched } from "../client/desktop";
import { Notifications, type NotificationState } from "../client/notifications";
import { pathOf } from "./routes";
import { useClient } from "./session";

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
        desktop: browserDesktop(),
        storage: localStorage,
      }),
    [client],
  );
  useEffect(() => {
    const stops = [
      client.onMessage((message) => void notifications.heard(message)),
      client.store.subscribe(() => notifications.settle()),
      tellWatched(),
    ];
    return () => {
      for (const stop of stops) stop();
      notifications.closeAll();
    };
  }, [client, notifications]);
  return <NotificationsContext value={notifications}>{children}</NotificationsContext>;
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
