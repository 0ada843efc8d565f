// Code in a message, and a button that copies it.

import { useEffect, useState } from "react";
import { copyText } from "../../ui/clipboard";
import type { Piece } from "./highlighting";
import { Icon } from "./icons";
import styles from "./MessageText.module.css";

const SAID_MS = 2_000;

export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [said, setSaid] = useState("");
  const pieces = usePieces(text, language);
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div className={styles["codeBlock"]}>
      <pre className={styles["code"]} dir="ltr" data-language={language || "code"}>
        <code>
          {pieces === null
            ? text
            : pieces.map(({ kind, text: piece }, at) =>
                kind === null ? piece : <span key={at} data-kind={kind}>{piece}</span>,
              )}
        </code>
      </pre>
      <button
        type="button"
        className={styles["copy"]}
        aria-label="Copy code"
        title="Copy code"
        onClick={() => void copyText(text).then((done) => setSaid(done ? "Copied" : "Couldn't copy"))}
      >
        {said === "" && <Icon name="copy" size={16} />}
        <span role="status">{said}</span>
      </button>
    </div>
  );
}

/** Return what is what in the code; null until it is known, and where nothing is. */
function usePieces(text: string, language: string): readonly Piece[] | null {
  const [pieces, setPieces] = useState<readonly Piece[] | null>(null);
  useEffect(() => {
    setPieces(null);
    if (language === "") return;
    let isCurrent = true;
    import("./highlighting").then(
      ({ highlight }) => isCurrent && setPieces(highlight(text, language.toLowerCase())),
      // Offline, code has no colours.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [text, language]);
  return pieces;
}
