import styles from "./ConversationView.module.css";

/** What stands beside the list until something is chosen. */
export function Welcome() {
  return (
    <div className={styles["welcome"]}>
      <h1>ChatterRoom</h1>
      <p>Choose a conversation, or find somebody to write to.</p>
    </div>
  );
}
