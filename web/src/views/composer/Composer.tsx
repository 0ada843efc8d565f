// Where one writes. A draft stays until it is sent.

import type { KeyboardEvent } from "react";
import { useDraft } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { PlaceKey } from "../../store/outgoing";
import { Button } from "../../ui/Button";
import styles from "./Composer.module.css";

export function Composer({ place }: { place: PlaceKey }) {
  const { sender, store, typed } = useComposing();
  const [text, setText] = useDraft(place);

  const send = () => {
    if (text.trim() === "") return;
    sender.send(place, text);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // An input method ends its composition with Enter, too.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className={styles["composer"]}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        aria-label="Message"
        placeholder="Write a message"
        rows={1}
        maxLength={8000}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          const id = store.at(place)?.id;
          if (id !== undefined && event.target.value !== "") typed(id);
        }}
      />
      <Button kind="primary" type="submit">
        Send
      </Button>
    </form>
  );
}

function useComposing() {
  const client = useClient();
  return { sender: client.sender, store: client.store, typed: (id: string) => client.typed(id) };
}
