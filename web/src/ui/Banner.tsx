import type { ReactNode } from "react";
import styles from "./Banner.module.css";

interface Props {
  kind?: "info" | "warn" | "danger";
  children: ReactNode;
  /** A button or a link at its end. */
  action?: ReactNode;
}

/** A line over the whole width. Put it into a live region (`role="status"`) that is there before it. */
export function Banner({ kind = "info", children, action }: Props) {
  return (
    <div className={styles["banner"]} data-kind={kind}>
      <p>{children}</p>
      {action}
    </div>
  );
}
