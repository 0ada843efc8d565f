// A button that shows a picture only.

import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./IconButton.module.css";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "aria-label"> {
  /** Its name; shown when the pointer rests on it, unless there is a `title`. */
  label: string;
  /** The picture. */
  children: ReactNode;
}

export function IconButton({ label, className = "", type = "button", children, ...rest }: Props) {
  return (
    <button
      type={type}
      className={`${styles["button"]} ${className}`}
      aria-label={label}
      title={label}
      {...rest}
    >
      {children}
    </button>
  );
}
