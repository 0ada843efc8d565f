// Chooses people: those chosen stand above the box in which one looks for more.

import { useId, useRef, useState, type KeyboardEvent } from "react";
import { nameOf } from "../../app/names";
import { usePeopleSearch } from "../../app/people_search";
import { sayError } from "../../session/errors";
import type { UserSummary } from "../../session/api";
import { Avatar } from "../../ui/Avatar";
import { Icon } from "../../ui/Icon";
import styles from "./MembersPicker.module.css";

interface Props {
  members: readonly UserSummary[];
  onChange: (members: readonly UserSummary[]) => void;
}

export function MembersPicker({ members, onChange }: Props) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { people, isSearching, error } = usePeopleSearch(text);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const found = people.filter(
    ({ user_id }) => !members.some((member) => member.user_id === user_id),
  );
  const chosen = found[Math.min(at, found.length - 1)];
  const isOpen = text.trim() !== "";

  const add = (user: UserSummary) => {
    onChange([...members, user]);
    setText("");
    setAt(0);
  };
  const remove = (user: UserSummary) => {
    onChange(members.filter((member) => member !== user));
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const last = members.at(-1);
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && found.length > 0) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt((Math.min(at, found.length - 1) + step + found.length) % found.length);
    } else if (event.key === "Enter" && isOpen) {
      // It chooses a person here, and does not yet create the room.
      event.preventDefault();
      if (chosen !== undefined) add(chosen);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      setText("");
    } else if (event.key === "Backspace" && text === "" && last !== undefined) {
      remove(last);
    }
  };
  const state = !isOpen
    ? ""
    : error !== null
      ? sayError(error)
      : isSearching
        ? found.length === 0
          ? "Searching…"
          : ""
        : found.length === 0
          ? `No people match “${text.trim()}”.`
          : "";

  return (
    <div className={styles["picker"]}>
      <label htmlFor={`${id}-input`}>Members</label>
      {members.length > 0 && (
        <ul className={styles["chosen"]} aria-label="Selected people">
          {members.map((member) => (
            <li key={member.user_id} className={styles["chip"]}>
              <Avatar
                id={member.user_id}
                name={nameOf(member)}
                url={member.avatar_url}
                size="small"
              />
              <span className={styles["name"]}>{nameOf(member)}</span>
              <button
                type="button"
                aria-label={`Remove ${nameOf(member)}`}
                onClick={() => remove(member)}
              >
                <Icon name="close" size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        ref={input}
        id={`${id}-input`}
        role="combobox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && chosen ? `${id}-${chosen.user_id}` : undefined}
        aria-describedby={`${id}-hint`}
        placeholder="Find people by name"
        autoComplete="off"
        maxLength={64}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Search results" className={styles["found"]}>
        {isOpen &&
          found.map((user) => (
            // The keys are those of the box, which keeps the focus.
            // eslint-disable-next-line jsx-a11y-x/click-events-have-key-events, jsx-a11y-x/interactive-supports-focus
            <div
              key={user.user_id}
              id={`${id}-${user.user_id}`}
              role="option"
              aria-selected={user === chosen}
              className={styles["option"]}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => add(user)}
            >
              <Avatar id={user.user_id} name={nameOf(user)} url={user.avatar_url} size="small" />
              <span className={styles["name"]}>{nameOf(user)}</span>
              {user.display_name && <span className={styles["also"]}>@{user.username}</span>}
            </div>
          ))}
      </div>
      <p role="status" className={styles["hint"]}>
        {state}
      </p>
      <p id={`${id}-hint`} className={styles["hint"]}>
        You can add more people later.
      </p>
    </div>
  );
}
