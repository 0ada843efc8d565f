// The buttons around the text.

import type { ReactNode } from "react";
import { IconButton } from "../../ui/IconButton";
import { MAX_CHARACTERS } from "./editing";
import { BoldIcon, CodeIcon, DoneIcon, ItalicIcon, SendIcon, SmileIcon } from "./icons";
import styles from "./Composer.module.css";

interface Props {
  isPicking: boolean;
  onPick(): void;
  onFormat(key: "b" | "i" | "e"): void;
  isEditing: boolean;
  isSaving: boolean;
  canSubmit: boolean;
  /** Null while there is plenty of room. */
  length: number | null;
}

export function Tools(props: Props) {
  const { isPicking, onPick, onFormat, isEditing, isSaving, canSubmit, length } = props;
  const submit = isEditing ? (isSaving ? "Saving…" : "Save changes") : "Send";
  const format = (key: "b" | "i" | "e", label: string, icon: ReactNode) => (
    <IconButton
      label={label}
      aria-keyshortcuts={`Control+${key.toUpperCase()}`}
      title={`${label} (Ctrl+${key.toUpperCase()})`}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => onFormat(key)}
    >
      {icon}
    </IconButton>
  );
  return (
    <div className={styles["tools"]}>
      <IconButton
        label="Emoji"
        aria-haspopup="dialog"
        aria-expanded={isPicking}
        data-opens-emoji
        onClick={onPick}
      >
        <SmileIcon />
      </IconButton>
      <div className={styles["formats"]} role="group" aria-label="Formatting">
        {format("b", "Bold", <BoldIcon />)}
        {format("i", "Italic", <ItalicIcon />)}
        {format("e", "Code", <CodeIcon />)}
      </div>
      {length !== null && (
        <span className={styles["length"]} data-too-long={length > MAX_CHARACTERS || undefined}>
          {length.toLocaleString()} / {MAX_CHARACTERS.toLocaleString()}
        </span>
      )}
      <IconButton type="submit" className={styles["send"] ?? ""} label={submit} disabled={!canSubmit}>
        {isEditing ? <DoneIcon /> : <SendIcon />}
      </IconButton>
    </div>
  );
}
