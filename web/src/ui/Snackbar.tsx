// A short sentence about what has just happened. It goes away by itself.

import { useEffect, useSyncExternalStore } from "react";
import { Cell } from "../store/cell";
import styles from "./Snackbar.module.css";

const SHOWN_MS = 6_000;

const sentence = new Cell("");

/** Show a sentence for a while, in place of the one before. Screen readers read it aloud. */
export function showSnackbar(text: string): void {
  sentence.set(text);
}

export function Snackbar() {
  const text = useSyncExternalStore(sentence.subscribe, sentence.get);
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => sentence.set(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p className={styles["snackbar"]} role="status">
      {text}
    </p>
  );
}
