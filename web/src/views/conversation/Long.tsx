// A long message shows its beginning until one asks for the rest.

import { useRef, useState, type ReactNode } from "react";
import type { MessageId } from "../../protocol/ids";
import styles from "./Row.module.css";

const LINES = 30;
const CHARACTERS = 3_000;

/** Which are shown in full: rows come and go while one scrolls. */
const opened = new Set<MessageId>();

export function isLong(text: string): boolean {
  return text.length > CHARACTERS || text.split("\n", LINES + 1).length > LINES;
}

interface Props {
  id: MessageId;
  tabIndex: number;
  children: ReactNode;
}

export function Long({ id, tabIndex, children }: Props) {
  const [isOpen, setOpen] = useState(() => opened.has(id));
  const box = useRef<HTMLDivElement>(null);
  const toggle = () => {
    if (isOpen) opened.delete(id);
    else opened.add(id);
    setOpen(!isOpen);
    // What was read last is far above otherwise.
    if (isOpen) requestAnimationFrame(() => box.current?.scrollIntoView({ block: "nearest" }));
  };
  return (
    <div ref={box} data-long>
      <div className={styles["cut"]} data-open={isOpen || undefined}>
        {children}
      </div>
      <button type="button" className={styles["more"]} tabIndex={tabIndex} aria-expanded={isOpen} onClick={toggle}>
        {isOpen ? "Show less" : "Show more"}
      </button>
    </div>
  );
}
