// What others have reacted with, how many, and who. A click joins in, or takes it back.

import type { Reaction } from "../../protocol/events";
import { useClient } from "../../app/session";
import type { Message } from "../../store/message";
import { useRowActions } from "./actions";
import { useNames } from "./people";
import styles from "./Row.module.css";

const NAMED = 8;

export function Reactions({ message, tabIndex }: { message: Message; tabIndex: number }) {
  return (
    <div className={styles["reactions"]} role="group" aria-label="Reactions">
      {message.reactions.map((reaction) => (
        <ReactionButton
          key={reaction.emoji}
          message={message}
          reaction={reaction}
          tabIndex={tabIndex}
        />
      ))}
    </div>
  );
}

interface ButtonProps {
  message: Message;
  reaction: Reaction;
  tabIndex: number;
}

function ReactionButton({ message, reaction: { emoji, user_ids }, tabIndex }: ButtonProps) {
  const { store } = useClient();
  const { react } = useRowActions();
  const names = useNames(user_ids, NAMED);
  return (
    <button
      type="button"
      className={styles["reaction"]}
      tabIndex={tabIndex}
      aria-pressed={user_ids.includes(store.selfId)}
      aria-label={`${emoji} ${user_ids.length}: ${names}`}
      title={names}
      onClick={() => react(message, emoji)}
    >
      <span aria-hidden>{emoji}</span>
      <span aria-hidden>{user_ids.length}</span>
    </button>
  );
}
