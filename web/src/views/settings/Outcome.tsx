import type { Action } from "./useAction";
import styles from "./Page.module.css";

/** How an action went; told to those who do not see it, too. */
export function Outcome({ action, done }: { action: Action; done: string }) {
  return (
    <div className={styles["outcome"]}>
      <div role="alert">
        {action.problem !== null && <p className={styles["problem"]}>{action.problem}</p>}
      </div>
      <div role="status">{action.isDone && done !== "" && <p className={styles["done"]}>{done}</p>}</div>
    </div>
  );
}
