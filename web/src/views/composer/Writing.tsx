// The text that is being written, and all that keys do to it. The text lives in the element: what
// is typed renders nothing unless what is around it changes.

import { lazy, useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import type { FormEvent, KeyboardEvent } from "react";
import { useAway, useStore } from "../../app/hooks";
import { useClient } from "../../app/session";
import { placeOf, type MessageId } from "../../protocol/ids";
import { sayError } from "../../session/errors";
import type { Message } from "../../store/message";
import type { PlaceKey } from "../../store/outgoing";
import type { Store } from "../../store/store";
import { rememberEmoji } from "../../ui/emoji/recent";
import { LoadBoundary } from "../../ui/LoadBoundary";
import { useComposing } from "../conversation/composing";
import { About } from "./About";
import styles from "./Composer.module.css";
import { emojiClosedAt, FORMATS, lengthNearLimit, MAX_CHARACTERS, tokenAt, trimmed } from "./editing";
import type { Edit, Token } from "./editing";
import { closeEmoji } from "./emoji_typed";
import { lastOwn } from "./last_own";
import { Suggestions } from "./Suggestions";
import { useSuggestions, type Suggestion } from "./suggestions";
import { fit, make, replace } from "./textarea";
import { useTypeAnywhere } from "./type_anywhere";
import { Tools } from "./Tools";

interface Completion {
  readonly token: Token | null;
  /** Which of the suggestions Enter chooses. */
  readonly active: number;
}

/** One points with a finger. */
const IS_COARSE = matchMedia("(pointer: coarse)");

const NOTHING: Completion = { token: null, active: 0 };

const EmojiPicker = lazy(() => import("../../ui/emoji/EmojiPicker"));

interface Props {
  place: PlaceKey;
  /** The name of the room or user. */
  to: string;
}

export function Writing({ place, to }: Props) {
  const client = useClient();
  const { drafts, sender, store } = client;
  const { replyTo, editing, begun, edit, stop } = useComposing();
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const isAway = useAway();
  const [isEmpty, setEmpty] = useState(true);
  const [length, setLength] = useState<number | null>(null);
  const [{ token, active }, setCompletion] = useState(NOTHING);
  const dismissed = useRef<number | null>(null);
  const editingNow = useRef(editing);
  const [isPicking, setPicking] = useState(false);
  const [saving, setSaving] = useState<MessageId | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const items = useSuggestions(place, token);
  const isTooLong = length !== null && length > MAX_CHARACTERS;
  // A change that was begun is kept like a draft, beside the one of the place.
  const draft: PlaceKey = editing === null ? place : `${place}/${editing}`;

  /** See what the text has become. */
  const look = useCallback((mayOpen: boolean) => {
    const element = box.current;
    if (element === null) return;
    const { value, selectionStart, selectionEnd } = element;
    setEmpty(value.trim() === "");
    setLength(lengthNearLimit(value));
    const now = selectionStart === selectionEnd ? tokenAt(value, selectionStart) : null;
    if (now?.from !== dismissed.current) dismissed.current = null;
    setCompletion((old) => {
      if (old.token?.from === now?.from && old.token?.query === now?.query) return old;
      const isOpen = (mayOpen || old.token !== null) && dismissed.current === null;
      return isOpen && now !== null ? { token: now, active: 0 } : NOTHING;
    });
  }, []);

  /** Show another text, with the caret at its end. */
  const show = useCallback(
    (text: string) => {
      const element = box.current;
      if (element === null) return;
      element.value = text;
      element.setSelectionRange(text.length, text.length);
      fit(element);
      setCompletion(NOTHING);
      look(false);
    },
    [look],
  );

  useTypeAnywhere(box);

  useLayoutEffect(() => {
    editingNow.current = editing;
    show(drafts.get(draft) || (editing === null ? "" : (held(store, editing)?.message ?? "")));
  }, [drafts, draft, editing, store, show]);

  useEffect(() => {
    if (begun > 0 || matchMedia("(hover: hover) and (pointer: fine)").matches) box.current?.focus();
    setProblem(null);
  }, [begun]);

  const edited = useStore((each) => (editing === null ? null : held(each, editing)));
  useEffect(() => {
    // Somebody has deleted what was being changed.
    if (edited?.deleted) stop();
  }, [edited, stop]);

  const save = (messageId: MessageId, text: string) => {
    const done = () => {
      drafts.set(draft, "");
      // Something else may have been begun meanwhile.
      if (editingNow.current === messageId) stop();
    };
    if (text === edited?.message) return done();
    setSaving(messageId);
    setProblem(null);
    client
      .edit(messageId, text)
      .then(done, (error: unknown) => setProblem(sayError(error)))
      .finally(() => setSaving(null));
  };
  const submit = () => {
    const text = trimmed(box.current?.value ?? "");
    if (text === "" || isTooLong || saving !== null) return;
    if (editing !== null) return save(editing, text);
    sender.send(place, text, replyTo);
    drafts.set(place, "");
    show("");
    setPicking(false);
    if (replyTo !== null) stop();
  };
  const cancel = () => {
    drafts.set(draft, editing === null ? drafts.get(draft) : "");
    stop();
    box.current?.focus();
  };

  const onInput = ({ currentTarget: element }: FormEvent<HTMLTextAreaElement>) => {
    drafts.set(draft, element.value);
    fit(element);
    look(true);
    const conversationId = store.at(place)?.id;
    if (conversationId !== undefined && editing === null && element.value !== "") {
      client.typed(conversationId);
    }
    const name = emojiClosedAt(element.value, element.selectionStart);
    // Offline, what is typed stays as it is.
    if (name !== null) closeEmoji(element, name).catch(() => undefined);
  };
  const choose = (item: Suggestion) => {
    const element = box.current;
    if (element === null || token === null) return;
    if (item.user === null) rememberEmoji(item.key);
    replace(element, token.from, token.to, item.insert);
    setCompletion(NOTHING);
  };
  const change = (of: (text: string, start: number, end: number) => Edit) => {
    const element = box.current;
    if (element !== null) make(element, of(element.value, element.selectionStart, element.selectionEnd));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // Keys of an input method are its own, also the Enter that ends a composition.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (onKey(event)) event.preventDefault();
  };
  /** Do what a key is for; return whether it was for anything. */
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>): boolean => {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    const isPlain = !shiftKey && !ctrlKey && !metaKey && !altKey;
    const item = items[active];
    if (item !== undefined && isPlain) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[key];
      if (step !== undefined) {
        setCompletion({ token, active: (active + step + items.length) % items.length });
        return true;
      }
      if (key === "Enter" || key === "Tab") {
        choose(item);
        return true;
      }
    }
    if (key === "Escape" && isPlain) {
      if (item !== undefined) {
        dismissed.current = token?.from ?? null;
        setCompletion(NOTHING);
      } else if (replyTo !== null || editing !== null) cancel();
      else return false;
      // What is open around the composer stays open.
      event.stopPropagation();
      return true;
    }
    if (key === "Enter" && !shiftKey && !altKey) {
      // Keyboards on glass have no Shift to hold: there, Enter makes a new line.
      if (isPlain && IS_COARSE.matches) return false;
      submit();
      return true;
    }
    if (key === "ArrowUp" && isPlain && event.currentTarget.value === "" && editing === null) {
      const own = lastOwn(store.at(place), store.selfId);
      if (own !== null) edit(own);
      return own !== null;
    }
    if ((ctrlKey || metaKey) && !shiftKey && !altKey) {
      const format = FORMATS[key.toLowerCase()];
      if (format !== undefined) change(format);
      return format !== undefined;
    }
    return false;
  };

  const listId = `${id}-list`;
  const aboutId = `${id}-about`;
  const about = editing ?? replyTo;
  const isOpen = items.length > 0;
  return (
    <form
      className={styles["composer"]}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {isOpen && (
        <Suggestions
          id={listId}
          label={token?.kind === "emoji" ? "Emoji" : "Members"}
          items={items}
          active={active}
          onChoose={choose}
        />
      )}
      {isPicking && (
        <div className={styles["picker"]}>
          <LoadBoundary>
            <EmojiPicker
              onPick={(emoji) => {
                const element = box.current;
                if (element !== null) replace(element, element.selectionStart, element.selectionEnd, emoji);
                setPicking(false);
              }}
              onClose={() => {
                setPicking(false);
                box.current?.focus();
              }}
            />
          </LoadBoundary>
        </div>
      )}
      <div className={styles["frame"]}>
        {about !== null && (
          <About
            id={aboutId}
            kind={editing === null ? "reply" : "edit"}
            messageId={about}
            onCancel={cancel}
          />
        )}
        <textarea
          ref={box}
          // A text of several lines stays a textbox to readers; it points at the list as a
          // combobox would.
          aria-label="Message"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={isOpen ? listId : undefined}
          aria-activedescendant={isOpen ? `${listId}-${active}` : undefined}
          aria-describedby={about === null ? undefined : aboutId}
          aria-invalid={isTooLong || undefined}
          placeholder={to === "" ? "Message" : `Message ${to}`}
          rows={1}
          enterKeyHint={IS_COARSE.matches ? "enter" : "send"}
          onInput={onInput}
          onSelect={() => look(false)}
          onBlur={() => setCompletion(NOTHING)}
          onKeyDown={onKeyDown}
        />
        <Tools
          isPicking={isPicking}
          onPick={() => setPicking(!isPicking)}
          onFormat={(key) => FORMATS[key] && change(FORMATS[key])}
          isEditing={editing !== null}
          isSaving={saving !== null}
          canSubmit={!isEmpty && !isTooLong && saving === null}
          length={length}
        />
      </div>
      <p className={styles["hint"]} role="status">
        {isOpen && (
          <span className="visually-hidden">
            {items.length} suggestions. Use the arrow keys and Enter to choose.
          </span>
        )}
        {isTooLong && `Too long: ${(length - MAX_CHARACTERS).toLocaleString()} characters over the limit.`}
        {isAway && !isEmpty && !isTooLong && "You're offline. Your message will be sent when you're back online."}
      </p>
      {problem !== null && (
        <p className={styles["problem"]} role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

function held(store: Store, id: MessageId): Message | null {
  return store.conversations.get(placeOf(id).conversationId)?.message(id) ?? null;
}
