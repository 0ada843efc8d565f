// One box that finds one's own conversations and other people.

import { useId, useState, type KeyboardEvent, type Ref } from "react";
import { useLocation } from "wouter";
import { useConversations, useStore } from "../../app/hooks";
import { matching } from "../../app/matching";
import { nameOf, titleOf } from "../../app/names";
import { usePeopleSearch } from "../../app/people_search";
import { pathOf, privatePlace } from "../../app/routes";
import { keysOf } from "../../app/shortcuts";
import { sayError } from "../../session/errors";
import type { PlaceKey } from "../../store/outgoing";
import { Avatar } from "../../ui/Avatar";
import { Icon } from "../../ui/Icon";
import { SHORTCUTS } from "./shortcut_list";
import styles from "./Search.module.css";

const MOST_CONVERSATIONS = 20;

interface Found {
  readonly place: PlaceKey;
  readonly avatarId: string;
  readonly avatarUrl: string | undefined;
  readonly title: string;
  /** The username, where another name is shown. */
  readonly also: string;
}

interface Props {
  ref: Ref<HTMLInputElement>;
  text: string;
  onText: (text: string) => void;
  /** The focus goes down, to the list. */
  onLeave: () => void;
}

export function Search({ ref, text, onText, onLeave }: Props) {
  const [, navigate] = useLocation();
  const { conversations, people, isSearching, error } = useFound(text);
  const [at, setAt] = useState(0);
  const id = useId();
  const all = [...conversations, ...people];
  const chosen = all[Math.min(at, all.length - 1)];
  const isOpen = text.trim() !== "";

  const open = (place: PlaceKey) => {
    onText("");
    navigate(pathOf(place));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && all.length > 0) {
      event.preventDefault();
      setAt((Math.min(at, all.length - 1) + step + all.length) % all.length);
    } else if (event.key === "ArrowDown" && !isOpen) {
      event.preventDefault();
      onLeave();
    } else if (event.key === "Enter" && chosen !== undefined) {
      event.preventDefault();
      open(chosen.place);
    } else if (event.key === "Escape" && text !== "") {
      event.preventDefault();
      onText("");
    }
  };
  const group = (title: string, items: readonly Found[]) =>
    items.length > 0 && (
      <div role="group" aria-labelledby={`${id}-${title}`}>
        <p id={`${id}-${title}`} className={styles["heading"]}>
          {title}
        </p>
        {items.map((found) => (
          <Option
            key={found.place}
            id={`${id}-${found.place}`}
            found={found}
            isChosen={found === chosen}
            onChoose={() => open(found.place)}
          />
        ))}
      </div>
    );

  return (
    <>
      <search className={styles["search"]}>
        <span className={styles["glass"]}>
          <Icon name="search" />
        </span>
        <input
          ref={ref}
          type="search"
          role="combobox"
          className={styles["input"]}
          aria-label="Search for people and rooms"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={chosen === undefined ? undefined : `${id}-${chosen.place}`}
          placeholder="Search people and rooms"
          autoComplete="off"
          enterKeyHint="go"
          maxLength={64}
          value={text}
          onKeyDown={onKeyDown}
          onChange={(event) => {
            onText(event.target.value);
            setAt(0);
          }}
        />
        {!isOpen && (
          <kbd className={styles["key"]} aria-hidden>
            {keysOf(SHORTCUTS.search).join(" ")}
          </kbd>
        )}
      </search>
      <div className={styles["results"]} hidden={!isOpen}>
        <div role="listbox" id={`${id}-list`} aria-label="Search results">
          {group("Conversations", conversations)}
          {group("People", people)}
        </div>
        <p role="status" className={styles["state"]}>
          {stateText(all.length, isSearching, error, text.trim())}
        </p>
      </div>
    </>
  );
}

function stateText(count: number, isSearching: boolean, error: unknown, text: string): string {
  if (text === "") return "";
  if (error !== null) return `Couldn't search for other people. ${sayError(error)}`;
  if (isSearching) return count === 0 ? "Searching…" : "";
  return count === 0 ? `No people or rooms match “${text}”.` : "";
}

interface OptionProps {
  id: string;
  found: Found;
  isChosen: boolean;
  onChoose: () => void;
}

function Option({ id, found, isChosen, onChoose }: OptionProps) {
  return (
    // The keys are those of the box, which keeps the focus.
    // eslint-disable-next-line jsx-a11y-x/click-events-have-key-events, jsx-a11y-x/interactive-supports-focus
    <div
      id={id}
      ref={(row) => {
        if (isChosen) row?.scrollIntoView({ block: "nearest" });
      }}
      role="option"
      aria-selected={isChosen}
      className={styles["option"]}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      <Avatar id={found.avatarId} name={found.title} url={found.avatarUrl} isRoom={found.place.startsWith("r:")} size="small" />
      <span className={styles["title"]}>{found.title}</span>
      {found.also && <span className={styles["also"]}>@{found.also}</span>}
    </div>
  );
}

function useFound(text: string) {
  const conversations = useConversations();
  const users = useStore((store) => store.users);
  const { people, isSearching, error } = usePeopleSearch(text);
  const own = matching(
    conversations,
    (each) => `${titleOf(each, users)} ${users.get(each.peerId)?.username ?? ""}`,
    text,
  ).slice(0, MOST_CONVERSATIONS);
  const known = new Set(own.map(({ place }) => place));
  return {
    conversations: own.map((each): Found => {
      const user = users.get(each.peerId);
      return {
        place: each.place,
        avatarId: each.peerId || each.id,
        avatarUrl: user?.avatar_url,
        title: titleOf(each, users),
        also: user?.display_name ? user.username : "",
      };
    }),
    people: people
      .filter(({ user_id }) => !known.has(privatePlace(user_id)))
      .map((user): Found => ({
        place: privatePlace(user.user_id),
        avatarId: user.user_id,
        avatarUrl: user.avatar_url,
        title: nameOf(user),
        also: user.display_name ? user.username : "",
      })),
    isSearching,
    error,
  };
}
