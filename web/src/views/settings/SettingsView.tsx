// One's own account and this client. Each page is a file of its own beside this one.

import styles from "../conversation/ConversationView.module.css";

export function SettingsView({ page }: { page: string }) {
  return (
    <div className={styles["welcome"]} data-page={page}>
      <h1>Settings</h1>
    </div>
  );
}
