// What there is to know and to change about a conversation, beside it; on a phone in its place.
// Load it with import(): few look at it at once.

import { useEffect, useId, useRef } from "react";
import type { PlaceKey } from "../../store/outgoing";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/IconButton";
import { Person } from "./Person";
import { Room } from "./Room";
import styles from "./RoomPanel.module.css";

interface Props {
  place: PlaceKey;
  /** It has been opened just now; the opener gets the focus back. */
  takesFocus: boolean;
  /** By its button and by Escape. */
  onClose(): void;
}

/** Render it anywhere within `<main>`, which makes room for it at its side. */
export default function RoomPanel({ place, takesFocus, onClose }: Props) {
  const id = useId();
  const panel = useRef<HTMLElement>(null);
  const isPrivate = place.startsWith("u:");
  const isAsked = useRef(takesFocus);
  useEffect(() => {
    if (!isAsked.current) return;
    const opener = document.activeElement;
    panel.current?.focus();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
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
        <IconButton label="Close" onClick={onClose}>
          <Icon name="close" size={20} />
        </IconButton>
      </header>
      <div className={styles["body"]}>
        {isPrivate ? (
          <Person key={place} userId={place.slice(2)} />
        ) : (
          <Room key={place} id={place.slice(2)} />
        )}
      </div>
    </section>
  );
}
