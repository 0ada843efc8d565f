// Stands in place of a conversation that cannot be shown: why, and where to go from here.

import type { ReactNode } from "react";
import { Link } from "wouter";
import { PATHS } from "../../app/routes";
import styles from "./ConversationView.module.css";

interface Props {
  title: string;
  /** What one can do about it. */
  children?: ReactNode;
}

export function Nowhere({ title, children }: Props) {
  return (
    <div className={styles["nowhere"]}>
      <h1>{title}</h1>
      {children && <p>{children}</p>}
      <Link href={PATHS.home} className={styles["way"]}>
        Back to your conversations
      </Link>
    </div>
  );
}
