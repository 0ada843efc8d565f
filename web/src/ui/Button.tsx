import type { ButtonHTMLAttributes } from "react";
import styles from "./Button.module.css";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "plain" | "quiet" | "danger";
}

export function Button({ kind = "plain", className = "", type = "button", ...rest }: Props) {
  return (
    <button type={type} className={`${styles["button"]} ${className}`} data-kind={kind} {...rest} />
  );
}
