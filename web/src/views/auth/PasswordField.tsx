import { useState, type ComponentProps } from "react";
import { Field } from "../../ui/Field";
import styles from "./AuthView.module.css";

type Props = Omit<ComponentProps<typeof Field>, "label" | "type">;

/** A password, which can be looked at. */
export function PasswordField(props: Props) {
  const [isShown, setShown] = useState(false);
  return (
    <div className={styles["secret"]}>
      <Field label="Password" type={isShown ? "text" : "password"} spellCheck={false} {...props} />
      <button
        type="button"
        className={styles["show"]}
        aria-pressed={isShown}
        aria-label="Show the password"
        onClick={() => setShown(!isShown)}
      >
        {isShown ? "Hide" : "Show"}
      </button>
    </div>
  );
}
