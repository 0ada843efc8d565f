// Says so if the connection is lost, or the server does not answer.

import { useSyncExternalStore } from "react";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import styles from "./ConnectionBanner.module.css";
import { useAway, useListRead } from "./hooks";
import { useClient } from "./session";

export function ConnectionBanner() {
  const isShown = useAway();
  const hasBegun = useListRead();
  const hasNetwork = useSyncExternalStore(followNetwork, () => navigator.onLine);
  const client = useClient();
  const state = !hasNetwork ? "You're offline." : hasBegun ? "Reconnecting…" : "Connecting…";
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
          <strong>{state}</strong> Your messages will be sent when you're back online.
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
