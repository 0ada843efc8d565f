// Says so where the connection is lost. A short pause is nobody's concern.

import { useEffect, useState } from "react";
import { useConnection } from "./hooks";
import styles from "./ConnectionBanner.module.css";

const SHOWN_AFTER_MS = 1_500;

export function ConnectionBanner() {
  const isLive = useConnection() === "live";
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (isLive) return;
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setShown(false);
    };
  }, [isLive]);
  return (
    <div role="status">
      {isShown && (
        <p className={styles["banner"]}>
          You are offline. What you write is sent as soon as the connection is back.
        </p>
      )}
    </div>
  );
}
