import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./Icon";
import styles from "./IconButton.module.css";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "aria-label"> {
  icon: IconName;
  /** Its name; shown when the pointer rests on it. */
  label: string;
}

export function IconButton({ icon, label, className = "", type = "button", ...rest }: Props) {
  return (
    <button
      type={type}
      className={`${styles["button"]} ${className}`}
      aria-label={label}
      title={label}
      {...rest}
    >
      <Icon name={icon} size={18} />
    </button>
  );
}
