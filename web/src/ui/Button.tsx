import type { ComponentProps } from "react";
import styles from "./Button.module.css";

interface Props extends ComponentProps<"button"> {
  kind?: "primary" | "plain" | "quiet" | "danger";
}

export function Button({ kind = "plain", className = "", type = "button", ...rest }: Props) {
  return (
    <button type={type} className={`${styles["button"]} ${className}`} data-kind={kind} {...rest} />
  );
}
