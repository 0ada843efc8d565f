import styles from "./Page.module.css";

export function Waiting() {
  return (
    <p className={styles["soft"]} role="status">
      Loading…
    </p>
  );
}
