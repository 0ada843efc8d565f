// Code in a message, and a button that copies it.

import { useEffect, useState } from "react";
import { copyText } from "../../ui/clipboard";
import { Icon } from "./icons";
import styles from "./MessageText.module.css";

const SAID_MS = 2_000;

export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div className={styles["codeBlock"]}>
      <pre className={styles["code"]} dir="ltr" data-language={language || "code"}>
        <code>{text}</code>
      </pre>
      <button
        type="button"
        className={styles["copy"]}
        aria-label="Copy the code"
        title="Copy the code"
        onClick={() => void copyText(text).then((done) => setSaid(done ? "Copied" : "Not copied"))}
      >
        {said === "" && <Icon name="copy" size={16} />}
        <span role="status">{said}</span>
      </button>
    </div>
  );
}
