// A menu behind a button: arrow keys, first letters, Escape.

import { DropdownMenu } from "radix-ui";
import { createContext, use, useCallback, useRef, type ReactElement, type ReactNode } from "react";
import styles from "./Menu.module.css";

const ChosenContext = createContext<(action: () => void) => void>((action) => action());

interface Props {
  /** The button that opens it; it needs a name. */
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
  onOpenChange?: (isOpen: boolean) => void;
}

/**
 * What is chosen is done once the menu has closed and its button has the focus again: so a dialog
 * that it opens gives the focus back to the button, and a field that it focuses keeps it.
 *
 * Not modal: the modal one would write styles into the page, which the content policy forbids.
 */
export function Menu({ trigger, children, align = "end", onOpenChange }: Props) {
  const chosen = useRef<(() => void) | null>(null);
  const choose = useCallback((action: () => void) => {
    chosen.current = action;
  }, []);
  const afterClose = () => {
    const action = chosen.current;
    chosen.current = null;
    // The focus moves right after this handler.
    if (action !== null) queueMicrotask(action);
  };
  return (
    <DropdownMenu.Root modal={false} {...(onOpenChange ? { onOpenChange } : {})}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className={styles["menu"]}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={afterClose}
        >
          <ChosenContext value={choose}>{children}</ChosenContext>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  onSelect: () => void;
  children: ReactNode;
  kind?: "plain" | "danger";
  disabled?: boolean;
  /** Shown at the end of the row, such as a key. */
  hint?: string;
}

export function MenuItem({ onSelect, children, kind = "plain", disabled = false, hint }: ItemProps) {
  const choose = use(ChosenContext);
  return (
    <DropdownMenu.Item
      className={styles["item"]}
      data-kind={kind}
      disabled={disabled}
      onSelect={() => choose(onSelect)}
    >
      <span>{children}</span>
      {hint && <kbd className={styles["hint"]}>{hint}</kbd>}
    </DropdownMenu.Item>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className={styles["line"]} />;
}
