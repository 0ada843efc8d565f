import styles from "./Badge.module.css";

const MOST = 999;

interface Props {
  count: number;
  /** What is counted, for those who hear it: "5 unread". */
  label: string;
  /** Quiet: for what does not ask for attention. */
  kind?: "accent" | "quiet";
}

/** A number in a pill; nothing for 0. */
export function Badge({ count, label, kind = "accent" }: Props) {
  if (count <= 0) return null;
  return (
    <span className={styles["badge"]} data-kind={kind}>
      {count > MOST ? `${MOST}+` : count}
      <span className="visually-hidden"> {label}</span>
    </span>
  );
}

/** The sign that somebody has named the user. */
export function MentionMark() {
  return (
    <span className={styles["badge"]} data-kind="accent">
      <span aria-hidden>@</span>
      <span className="visually-hidden">you were mentioned</span>
    </span>
  );
}

/** The sign that the user wants to come back to it. */
export function UnreadDot() {
  return (
    <span className={styles["dot"]}>
      <span className="visually-hidden">marked as unread</span>
    </span>
  );
}
