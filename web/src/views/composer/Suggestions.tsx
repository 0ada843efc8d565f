// What completes what is being typed. The focus stays in the text; keys choose from there.

import { useEffect, useRef } from "react";
import { Avatar } from "../../ui/Avatar";
import type { Suggestion } from "./suggestions";
import styles from "./Composer.module.css";

interface Props {
  id: string;
  label: string;
  items: readonly Suggestion[];
  active: number;
  onChoose(item: Suggestion): void;
}

export function Suggestions({ id, label, items, active, onChoose }: Props) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active, items]);
  return (
    <ul id={id} ref={list} role="listbox" aria-label={label} className={styles["suggestions"]}>
      {items.map((item, at) => (
        // Keys are those of the text, which keeps the focus.
        // eslint-disable-next-line jsx-a11y-x/click-events-have-key-events
        <li
          key={item.key}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === active}
          // The focus stays in the text.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(item)}
        >
          {item.user === null ? (
            <span className={styles["emoji"]} aria-hidden>
              {item.insert.trimEnd()}
            </span>
          ) : (
            <Avatar id={item.key} name={item.label} url={item.user.avatar_url} size="small" />
          )}
          <span className={styles["what"]}>{item.label}</span>
          <span className={styles["detail"]}>{item.detail}</span>
        </li>
      ))}
    </ul>
  );
}
