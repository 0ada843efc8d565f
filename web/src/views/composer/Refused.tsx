import { useState } from "react";
import { useClient } from "../../app/session";
import { sayError } from "../../session/errors";
import { Button } from "../../ui/Button";
import type { Refusal } from "./refusal";
import styles from "./Composer.module.css";

/** Stands where one would write. */
export function Refused({ refusal: { text, blocked } }: { refusal: Refusal }) {
  const client = useClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const unblock = (userId: string) => {
    setBusy(true);
    setProblem(null);
    client
      .unblock(userId)
      .catch((error: unknown) => setProblem(sayError(error)))
      .finally(() => setBusy(false));
  };
  return (
    <div className={styles["refused"]}>
      <p role="status">{text}</p>
      {blocked !== null && (
        <Button onClick={() => unblock(blocked)} disabled={isBusy}>
          Unblock
        </Button>
      )}
      {problem !== null && <p role="alert">{problem}</p>}
    </div>
  );
}
