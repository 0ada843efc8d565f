// The frame of everything behind the login: the list beside what was chosen. On a phone one of
// both is shown.

import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { Sidebar } from "../views/sidebar/Sidebar";
import { ConnectionBanner } from "./ConnectionBanner";
import { PATHS } from "./routes";
import styles from "./Shell.module.css";

export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  return (
    <div className={styles["shell"]} data-shows={path === PATHS.home ? "list" : "content"}>
      <a className="skip-link" href="#content">
        Skip to the conversation
      </a>
      <nav className={styles["sidebar"]} aria-label="Conversations">
        <Sidebar />
      </nav>
      <main className={styles["content"]} id="content" tabIndex={-1}>
        <ConnectionBanner />
        {children}
      </main>
    </div>
  );
}
