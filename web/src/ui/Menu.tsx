// A menu behind a button: arrow keys, first letters, Escape.

import { DropdownMenu } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import styles from "./Menu.module.css";

interface Props {
  /** The button that opens it; it needs a name. */
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
  onOpenChange?: (isOpen: boolean) => void;
}

/** Not modal: the modal one would write styles into the page, which the content policy forbids. */
export function Menu({ trigger, children, align = "end", onOpenChange }: Props) {
  return (
    <DropdownMenu.Root modal={false} {...(onOpenChange ? { onOpenChange } : {})}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className={styles["menu"]}
          align={align}
          sideOffset={4}
          collisionPadding={8}
        >
          {children}
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
  return (
    <DropdownMenu.Item
      className={styles["item"]}
      data-kind={kind}
      disabled={disabled}
      onSelect={onSelect}
    >
      <span>{children}</span>
      {hint && <kbd className={styles["hint"]}>{hint}</kbd>}
    </DropdownMenu.Item>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className={styles["line"]} />;
}
