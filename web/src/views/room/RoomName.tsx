import { useState, type FormEvent } from "react";
import { useClient } from "../../app/session";
import type { RoomId } from "../../protocol/ids";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

const MAX_CHARACTERS = 128;

interface Props {
  roomId: RoomId;
  name: string;
  mayRename: boolean;
}

/** The name, and where one may, how to change it. Give it the name as its key. */
export function RoomName({ roomId, name, mayRename }: Props) {
  const client = useClient();
  const [isRenaming, setRenaming] = useState(false);
  const [text, setText] = useState(name);
  const { isBusy, problem, run } = useAction();
  const rename = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted === name || wanted === "") return setRenaming(false);
    if (await run(() => client.renameRoom(roomId, wanted))) setRenaming(false);
  };
  if (!isRenaming || !mayRename) {
    return (
      <div className={styles["title"]}>
        <h3>{name}</h3>
        {mayRename && (
          <Button kind="quiet" className={styles["small"] ?? ""} onClick={() => setRenaming(true)}>
            Rename
          </Button>
        )}
      </div>
    );
  }
  return (
    <form className={styles["form"]} onSubmit={(event) => void rename(event)}>
      <Field
        label="Room name"
        value={text}
        maxLength={MAX_CHARACTERS}
        problem={problem}
        // It was asked for by the button that it replaces.
        // eslint-disable-next-line jsx-a11y-x/no-autofocus
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          setText(name);
          setRenaming(false);
        }}
      />
      <div className={styles["buttons"]}>
        <Button kind="primary" type="submit" disabled={isBusy || text.trim() === ""}>
          Rename
        </Button>
        <Button
          kind="quiet"
          onClick={() => {
            setText(name);
            setRenaming(false);
          }}
        >
          Cancel
        </Button>
      </div>
    </form>
  );
}
