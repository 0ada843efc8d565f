import styles from "./RoomPanel.module.css";

/** Says what went wrong, where something has. */
export function Problem({ text }: { text: string | null }) {
  return (
    <p role="alert" className={styles["problem"]}>
      {text}
    </p>
  );
}
