// A modal dialog: the browser's own, which holds the focus and closes with Escape.

import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import styles from "./Dialog.module.css";

interface Props {
  title: string;
  /** Called when the user closes it; render it no longer then. The focus goes back by itself. */
  onClose: () => void;
  children: ReactNode;
  /** The buttons at its foot. */
  actions?: ReactNode;
  size?: "small" | "wide";
}

/** Shown for as long as it is rendered. One begins at its first field, where it has one. */
export function Dialog({ title, onClose, children, actions, size = "small" }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before it is taken out of the page: only then does closing it give the focus back.
  useLayoutEffect(() => {
    const box = dialog.current;
    if (box === null || box.open) return;
    box.showModal();
    box.querySelector<HTMLElement>("input:enabled, textarea:enabled, select:enabled")?.focus();
    return () => box.close();
  }, []);
  return (
    // The click on what lies behind is a comfort: Escape and the button do the same.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions, jsx-a11y-x/click-events-have-key-events
    <dialog
      ref={dialog}
      className={styles["dialog"]}
      data-size={size}
      aria-labelledby={id}
      onCancel={(event) => {
        // A file chooser inside tells of its cancelling, too.
        if (event.target !== dialog.current) return;
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className={styles["box"]}>
        <header className={styles["header"]}>
          <h2 id={id}>{title}</h2>
          <IconButton label="Close" onClick={onClose}>
            <Icon name="close" size={18} />
          </IconButton>
        </header>
        <div className={styles["content"]}>{children}</div>
        {actions && <footer className={styles["actions"]}>{actions}</footer>}
      </div>
    </dialog>
  );
}
