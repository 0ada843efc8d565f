// Says so where the connection is lost. A short pause is nobody's concern.

import { useEffect, useState, useSyncExternalStore } from "react";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import styles from "./ConnectionBanner.module.css";
import { useConnection, useListRead } from "./hooks";
import { useClient } from "./session";

const SHOWN_AFTER_MS = 1_500;

export function ConnectionBanner() {
  const isLive = useConnection() === "live";
  const hasBegun = useListRead();
  const hasNetwork = useSyncExternalStore(followNetwork, () => navigator.onLine);
  const client = useClient();
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (isLive) return;
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setShown(false);
    };
  }, [isLive]);
  const state = !hasNetwork ? "Offline." : hasBegun ? "Reconnecting…" : "Connecting…";
  return (
    <div role="status" className={styles["place"]}>
      {isShown && (
        <Banner
          kind="warn"
          action={
            hasNetwork && (
              <Button kind="quiet" className={styles["now"]} onClick={() => client.reconnect()}>
                Try now
              </Button>
            )
          }
        >
          <strong>{state}</strong> Messages you write are sent when you are back.
        </Banner>
      )}
    </div>
  );
}

function followNetwork(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
