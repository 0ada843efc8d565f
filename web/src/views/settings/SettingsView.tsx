// One's own account and this client. Each page is a file of its own beside this one.

import { useEffect, useRef, type ComponentType } from "react";
import { Link } from "wouter";
import { PATHS } from "../../app/routes";
import { Icon } from "../../ui/Icon";
import { AppearancePage } from "./AppearancePage";
import { BlockedPage } from "./BlockedPage";
import { DeletionPage } from "./DeletionPage";
import { NotificationsPage } from "./NotificationsPage";
import { PasswordPage } from "./PasswordPage";
import { PrivacyPage } from "./PrivacyPage";
import { ProfilePage } from "./ProfilePage";
import { SecondFactorPage } from "./SecondFactorPage";
import { SessionsPage } from "./SessionsPage";
import styles from "./SettingsView.module.css";

interface Page {
  readonly path: string;
  readonly title: string;
  readonly view: ComponentType;
}

const PROFILE: Page = { path: "profile", title: "Profile", view: ProfilePage };
const PAGES: readonly Page[] = [
  PROFILE,
  { path: "password", title: "Password", view: PasswordPage },
  { path: "second-factor", title: "Two-factor authentication", view: SecondFactorPage },
  { path: "sessions", title: "Sessions", view: SessionsPage },
  { path: "appearance", title: "Appearance", view: AppearancePage },
  { path: "notifications", title: "Notifications", view: NotificationsPage },
  { path: "privacy", title: "Privacy", view: PrivacyPage },
  { path: "blocked", title: "Blocked people", view: BlockedPage },
  { path: "deletion", title: "Delete account", view: DeletionPage },
];

/** `page`: the last part of the path, empty for none: then a phone shows what there is. */
export default function SettingsView({ page }: { page: string }) {
  const { path, title, view: View } = PAGES.find((each) => each.path === page) ?? PROFILE;
  const heading = useRef<HTMLHeadingElement>(null);
  const wasAt = useRef(page);
  useEffect(() => {
    // Whoever cannot see it must learn that another page is shown.
    if (wasAt.current !== page && page !== "") heading.current?.focus();
    wasAt.current = page;
  }, [page]);
  return (
    <div className={styles["settings"]} data-shows={page === "" ? "pages" : "page"}>
      <header className={styles["header"]}>
        <Link href={PATHS.home} className={styles["back"]} data-to="home" aria-label="Back to conversations">
          <Icon name="back" size={22} />
        </Link>
        <Link href="/settings" className={styles["back"]} data-to="pages" aria-label="Back to all settings">
          <Icon name="back" size={22} />
        </Link>
        <h1>Settings</h1>
      </header>
      <nav className={styles["pages"]} aria-label="Settings">
        <ul>
          {PAGES.map((each) => (
            <li key={each.path}>
              <Link
                href={`/settings/${each.path}`}
                className={styles["link"]}
                aria-current={each.path === path ? "page" : undefined}
              >
                {each.title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className={styles["page"]}>
        <section className={styles["column"]} aria-labelledby="settings-title" key={path}>
          <h2 id="settings-title" ref={heading} tabIndex={-1}>
            {title}
          </h2>
          <View />
        </section>
      </div>
    </div>
  );
}
