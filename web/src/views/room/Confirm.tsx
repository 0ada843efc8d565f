// A button that asks before it does what cannot be taken back.

import { useEffect, useRef, useState } from "react";
import { Button } from "../../ui/Button";
import { Problem } from "./Problem";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

interface Props {
  label: string;
  question: string;
  /** On the button that does it; the label where not given. */
  yes?: string;
  task(): Promise<unknown>;
}

export function Confirm({ label, question, yes = label, task }: Props) {
  const [isAsking, setAsking] = useState(false);
  const { isBusy, problem, run } = useAction();
  const cancel = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const wasAsking = useRef(false);
  useEffect(() => {
    if (isAsking) cancel.current?.focus();
    else if (wasAsking.current) opener.current?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (!isAsking) {
    return (
      <Button ref={opener} kind="danger" onClick={() => setAsking(true)}>
        {label}
      </Button>
    );
  }
  return (
    // Escape takes the question back, wherever in it the focus is.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions
    <div
      role="group"
      aria-label={question}
      className={styles["confirm"]}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        setAsking(false);
      }}
    >
      <p>{question}</p>
      <div className={styles["buttons"]}>
        <Button
          kind="danger"
          disabled={isBusy}
          onClick={() => void run(task).then((isDone) => isDone && setAsking(false))}
        >
          {yes}
        </Button>
        <Button ref={cancel} kind="quiet" onClick={() => setAsking(false)}>
          Cancel
        </Button>
      </div>
      <Problem text={problem} />
    </div>
  );
}
