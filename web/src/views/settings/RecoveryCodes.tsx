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
    setCopied(isCopied ? "Copied." : "This browser does not let them be copied: select them instead.");
  };
  return (
    <div className={styles["part"]}>
      <p className={styles["done"]} role="status">
        The second factor is on.
      </p>
      <p>
        Keep these recovery codes where you find them without your phone. Each stands in for a code
        once. <strong>They are not shown again.</strong>
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
        I have kept them
      </Button>
    </div>
  );
}
