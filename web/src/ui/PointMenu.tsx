// A menu at a point or beside something. It stands above everything, takes the focus, and gives it
// back when it closes.

import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import styles from "./PointMenu.module.css";

/** Where it opens: a point, or the box of what it belongs to. */
export interface MenuPlace {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Props {
  label: string;
  place: MenuPlace;
  /** `dialog` for what is read, `group` for what has keys of its own. */
  role?: "menu" | "dialog" | "group";
  /** What opens and closes it itself. */
  opener?: Element | null;
  onClose: () => void;
  children: ReactNode;
}

const EDGE_PX = 8;
const GAP_PX = 4;

export function PointMenu(props: Props) {
  const { label, place, role = "menu", opener = null, onClose, children } = props;
  const box = useRef<HTMLDivElement>(null);
  const before = useRef<Element | null>(null);
  const close = useRef(onClose);
  useLayoutEffect(() => {
    close.current = onClose;
  });

  useLayoutEffect(() => {
    const menu = box.current;
    if (menu === null) return;
    before.current ??= document.activeElement;
    menu.showPopover();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const isBelow = place.bottom + GAP_PX + height <= innerHeight - EDGE_PX;
    const top = isBelow ? place.bottom + GAP_PX : place.top - GAP_PX - height;
    const left = place.right - place.left > 0 ? place.right - width : place.left;
    menu.style.top = `${Math.max(EDGE_PX, Math.min(top, innerHeight - height - EDGE_PX))}px`;
    menu.style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`;
    (itemsOf(menu)[0] ?? menu).focus({ preventScroll: true });
  }, [place]);

  useLayoutEffect(() => {
    const menu = box.current;
    return () => {
      // Before a dialog opens, which gives the focus back in its turn. Unless what was chosen has
      // moved the focus elsewhere.
      const isLeft = document.activeElement === document.body || menu?.contains(document.activeElement);
      if (isLeft && before.current instanceof HTMLElement) {
        before.current.focus({ preventScroll: true });
      }
    };
  }, []);

  useEffect(() => {
    const outside = ({ target }: Event) => {
      const isInside = target instanceof Node && (box.current?.contains(target) || opener?.contains(target));
      if (!isInside) close.current();
    };
    const away = () => close.current();
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", away);
    window.addEventListener("blur", away);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", away);
      window.removeEventListener("blur", away);
    };
  }, [opener]);

  return (
    <div
      ref={box}
      className={styles["menu"]}
      popover="manual"
      role={role}
      aria-label={label}
      tabIndex={-1}
      onKeyDown={(event) => onKeyDown(event, role === "group", onClose)}
    >
      {children}
    </div>
  );
}

interface ItemProps {
  onSelect: () => void;
  /** Chosen from beside others in one line. */
  isCompact?: boolean;
  isDanger?: boolean;
  disabled?: boolean;
  label?: string;
  icon?: ReactNode;
  children: ReactNode;
}

export function PointMenuItem(props: ItemProps) {
  const { onSelect, isCompact, isDanger, disabled, label, icon, children } = props;
  return (
    <button
      type="button"
      role="menuitem"
      className={styles["item"]}
      data-compact={isCompact || undefined}
      data-danger={isDanger || undefined}
      aria-label={label}
      title={label}
      tabIndex={-1}
      disabled={disabled}
      onClick={onSelect}
    >
      {icon}
      {children}
    </button>
  );
}

function itemsOf(menu: Element): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)")];
}

function onKeyDown(event: KeyboardEvent<HTMLElement>, hasOwnKeys: boolean, onClose: () => void): void {
  // What is behind it has keys of its own.
  event.stopPropagation();
  if (event.key === "Escape" || (event.key === "Tab" && !hasOwnKeys)) {
    event.preventDefault();
    onClose();
    return;
  }
  if (hasOwnKeys) return;
  const items = itemsOf(event.currentTarget);
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next = nextItem(event.key, items, at) ?? itemBeginning(event.key, items, at);
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

function nextItem(key: string, items: HTMLElement[], at: number): HTMLElement | undefined {
  const wrapped = (index: number) => items.at(index % items.length);
  switch (key) {
    case "ArrowRight":
      return wrapped(at + 1);
    case "ArrowLeft":
      return wrapped(at - 1);
    case "ArrowDown":
      return nextLine(items, at, 1) ?? items[0];
    case "ArrowUp":
      return nextLine(items, at, -1) ?? items.at(-1);
    case "Home":
      return items[0];
    case "End":
      return items.at(-1);
    default:
      return undefined;
  }
}

/** Return the next item that begins with a letter. */
function itemBeginning(key: string, items: HTMLElement[], at: number): HTMLElement | undefined {
  if (key.length !== 1 || key === " ") return undefined;
  const letter = key.toLowerCase();
  const others = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return others.find((item) => item.textContent.trim().toLowerCase().startsWith(letter));
}

/** Return what stands in the next line, as near as can be to the same column. */
function nextLine(items: HTMLElement[], at: number, step: 1 | -1): HTMLElement | undefined {
  const from = items[at];
  if (from === undefined) return undefined;
  const others = items.filter((item) => (item.offsetTop - from.offsetTop) * step > 0);
  const line = Math.min(...others.map((item) => Math.abs(item.offsetTop - from.offsetTop)));
  return others
    .filter((item) => Math.abs(item.offsetTop - from.offsetTop) === line)
    .toSorted(
      (one, two) =>
        Math.abs(one.offsetLeft - from.offsetLeft) - Math.abs(two.offsetLeft - from.offsetLeft),
    )[0];
}
