// The frame of everything behind the login: the list beside what was chosen. On a phone one of
// both is shown.

import { useEffect, useRef, type ReactNode } from "react";
import { useLocation } from "wouter";
import { Snackbar } from "../ui/Snackbar";
import { Toasts } from "../views/alerts/Toasts";
import { Sidebar } from "../views/sidebar/Sidebar";
import { ConnectionBanner } from "./ConnectionBanner";
import { NotificationsProvider } from "./notifications";
import { PATHS } from "./routes";
import { ProfileCard } from "./profile_card";
import { useDensity, useThemePreference } from "./theme";
import styles from "./Shell.module.css";
import { useTitle } from "./title";

export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  useThemePreference();
  useDensity();
  const content = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useTitle(path);
  useEffect(() => {
    // A page that opens leaves the focus alone; later it must not be lost with what had it.
    if (isFirst.current) isFirst.current = false;
    else if (path !== PATHS.home && !hasVisibleFocus()) content.current?.focus();
  }, [path]);
  return (
    <NotificationsProvider>
      <div className={styles["shell"]} data-shows={path === PATHS.home ? "list" : "content"}>
        <a className="skip-link" href="#content">
          Skip to conversation
        </a>
        <ConnectionBanner />
        <nav className={styles["sidebar"]} aria-label="Conversations">
          <Sidebar />
        </nav>
        <main ref={content} className={styles["content"]} id="content" tabIndex={-1}>
          {children}
        </main>
        <Toasts />
        <ProfileCard />
        <Snackbar />
      </div>
    </NotificationsProvider>
  );
}

function hasVisibleFocus(): boolean {
  const focused = document.activeElement;
  return focused !== null && focused !== document.body && focused.checkVisibility();
}
