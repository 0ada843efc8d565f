// A menu behind a button: arrow keys, first letters, Escape.

import { cloneElement, createContext, use, useState, type MouseEvent, type ReactElement, type ReactNode } from "react";
import { PointMenu, PointMenuItem } from "./PointMenu";
import styles from "./Menu.module.css";

const CloseContext = createContext<() => void>(() => undefined);

interface Props {
  /** The button that opens it. */
  trigger: ReactElement<TriggerProps>;
  /** The name of the menu. */
  label: string;
  children: ReactNode;
  align?: "start" | "end";
}

interface TriggerProps {
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
  onClick?: (event: MouseEvent<HTMLElement>) => void;
}

/**
 * Closes before what is chosen is done: so a dialog that it opens gives the focus back to the
 * button, and a field that it focuses keeps it.
 */
export function Menu({ trigger, label, children, align = "end" }: Props) {
  const [opener, setOpener] = useState<HTMLElement | null>(null);
  const close = () => setOpener(null);
  return (
    <>
      {cloneElement(trigger, {
        "aria-haspopup": "menu",
        "aria-expanded": opener !== null,
        onClick: ({ currentTarget }) => setOpener(opener === null ? currentTarget : null),
      })}
      {opener !== null && (
        <Opened label={label} opener={opener} align={align} onClose={close}>
          <CloseContext value={close}>{children}</CloseContext>
        </Opened>
      )}
    </>
  );
}

interface OpenedProps {
  label: string;
  opener: HTMLElement;
  align: "start" | "end";
  onClose: () => void;
  children: ReactNode;
}

function Opened({ label, opener, align, onClose, children }: OpenedProps) {
  const [place] = useState(() => {
    const { left, right, top, bottom } = opener.getBoundingClientRect();
    return { left, right: align === "start" ? left : right, top, bottom };
  });
  return (
    <PointMenu label={label} place={place} opener={opener} onClose={onClose}>
      {children}
    </PointMenu>
  );
}

interface ItemProps {
  onSelect: () => void;
  children: ReactNode;
  disabled?: boolean;
  /** Shown at the end of the row, such as a key. */
  hint?: string;
}

export function MenuItem({ onSelect, children, disabled = false, hint }: ItemProps) {
  const close = use(CloseContext);
  return (
    <PointMenuItem
      disabled={disabled}
      onSelect={() => {
        close();
        onSelect();
      }}
    >
      <span>{children}</span>
      {hint && <kbd className={styles["hint"]}>{hint}</kbd>}
    </PointMenuItem>
  );
}

export function MenuLine() {
  return <hr className={styles["line"]} />;
}
