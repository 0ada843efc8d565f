import { Link } from "wouter";
import { useConversations, useListRead } from "../../app/hooks";
import { begin } from "../../app/first_steps";
import { Button } from "../../ui/Button";
import styles from "./ConversationView.module.css";

/** What stands beside the list until something is chosen. */
export function Welcome() {
  const isEmpty = useConversations().length === 0;
  const isListRead = useListRead();
  if (isEmpty && isListRead) return <FirstSteps />;
  return (
    <div className={styles["welcome"]}>
      <h1>ChatterRoom</h1>
      <p>Choose a conversation, or message someone.</p>
    </div>
  );
}

function FirstSteps() {
  return (
    <div className={styles["welcome"]}>
      <h1>Welcome to ChatterRoom</h1>
      <p>Message someone, or create a room for your team.</p>
      <div className={styles["steps"]}>
        <Button kind="primary" onClick={() => begin("find")}>
          Find people
        </Button>
        <Button onClick={() => begin("room")}>Create a room</Button>
      </div>
      <ul className={styles["first"]}>
        <li>
          <Link href="/settings">Add your name and a picture</Link> so that others recognize you.
        </li>
        <li>
          <Link href="/settings/notifications">Turn on notifications</Link> so that you don't miss a message.
        </li>
      </ul>
    </div>
  );
}
