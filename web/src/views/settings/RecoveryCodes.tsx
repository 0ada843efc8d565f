// Shown once: the server keeps no more than their hashes.

import { useMemo, useState, useEffect } from "react";
import { Button } from "../../ui/Button";
import { copyText } from "../../ui/clipboard";
import styles from "./Page.module.css";

interface Props {
  codes: readonly string[];
  onKept: () => void;
}

export function RecoveryCodes({ codes, onKept }: Props) {
  const text = codes.join("\n") + "\n";
  const [copied, setCopied] = useState("");
  const file = useMemo(() => URL.createObjectURL(new Blob([text], { type: "text/plain" })), [text]);
  useEffect(() => () => URL.revokeObjectURL(file), [file]);

  const copy = async () => {
    const isCopied = await copyText(text);
    setCopied(isCopied ? "Copied." : "Couldn't copy. Select the codes and copy them yourself.");
  };
  return (
    <div className={styles["part"]}>
      <p className={styles["done"]} role="status">
        Two-factor authentication is on.
      </p>
      <p>
        Save these recovery codes somewhere you can reach without your phone. Each works once.
        <strong>They won't be shown again.</strong>
      </p>
      <ol className={styles["codes"]} aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className={styles["actions"]}>
        <Button onClick={() => void copy()}>Copy</Button>
        <a href={file} download="chatterroom-recovery-codes.txt">
          Download
        </a>
        <span role="status" className={styles["soft"]}>
          {copied}
        </span>
      </div>
      <Button kind="primary" onClick={onKept}>
        I've saved them
      </Button>
    </div>
  );
}
