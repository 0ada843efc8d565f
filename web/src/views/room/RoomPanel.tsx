// What there is to know and to change about a conversation, beside it; on a phone in its place.
// Load it with import(): few look at it at once.

import { useEffect, useId, useRef } from "react";
import type { PlaceKey } from "../../store/outgoing";
import { Person } from "./Person";
import { Room } from "./Room";
import styles from "./RoomPanel.module.css";

interface Props {
  place: PlaceKey;
  /** By its button, by Escape, and on a phone by a jump to a message. The opener gets the focus. */
  onClose(): void;
}

// Below it, the panel covers the conversation.
const NARROW = "(max-width: 64rem)";

/** Render it anywhere within `<main>`, which makes room for it at its side. */
export default function RoomPanel({ place, onClose }: Props) {
  const id = useId();
  const panel = useRef<HTMLElement>(null);
  const isPrivate = place.startsWith("u:");
  useEffect(() => {
    const opener = document.activeElement;
    panel.current?.focus();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  const onJump = () => {
    if (matchMedia(NARROW).matches) onClose();
  };
  return (
    // Escape is for all that is in it.
    // eslint-disable-next-line jsx-a11y-x/no-noninteractive-element-interactions
    <section
      ref={panel}
      className={styles["panel"]}
      aria-labelledby={id}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) onClose();
      }}
    >
      <header className={styles["header"]}>
        <h2 id={id}>{isPrivate ? "Profile" : "About this room"}</h2>
        <button type="button" className={styles["close"]} onClick={onClose} aria-label="Close">
          <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden>
            <path d="M6 6l12 12M18 6 6 18" />
          </svg>
        </button>
      </header>
      <div className={styles["body"]}>
        {isPrivate ? (
          <Person key={place} userId={place.slice(2)} onJump={onJump} />
        ) : (
          <Room key={place} id={place.slice(2)} onJump={onJump} />
        )}
      </div>
    </section>
  );
}
