// A short sentence about what has just happened, wherever in the client one is. It goes away by itself.

import { useEffect, useSyncExternalStore } from "react";
import { Cell } from "../store/cell";
import styles from "./Shell.module.css";

const SHOWN_MS = 6_000;

const sentence = new Cell("");

/** Show a sentence for a while; it is read aloud, too. */
export function say(text: string): void {
  sentence.set(text);
}

export function Said() {
  const text = useSyncExternalStore(sentence.subscribe, sentence.get);
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => sentence.set(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p className={styles["said"]} role="status">
      {text}
    </p>
  );
}
