// @vitest-environment happy-dom

import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ClientProvider } from "../../app/session";
import { ChatClient } from "../../client/chat_client";
import { Api } from "../../session/api";
import { Credentials } from "../../session/credentials";
import type { PlaceKey } from "../../store/outgoing";
import { head, message, OTHER, ROOM, SELF } from "../../testing/entries";
import { MemoryStorage } from "../../testing/memory_storage";
import { ComposingContext, useComposingOf } from "../conversation/composing";
import { Composer } from "./Composer";

const PLACE: PlaceKey = `r:${ROOM}`;
let storage: MemoryStorage;
let client: ChatClient;

beforeEach(() => {
  // There is none here: the text is changed without an undo.
  document.execCommand = () => false;
  storage = new MemoryStorage();
  client = opened();
});
afterEach(() => {
  cleanup();
  client.stop();
});

const noNetwork = () => Promise.reject(new TypeError("there is no network"));

/** Return a client that is never connected, with one message of the user's own. */
function opened(): ChatClient {
  const credentials = new Credentials(
    new MemoryStorage(),
    () => Promise.reject(new Error("there is no platform")),
    (task) => task(),
  );
  credentials.take({ token: "a", refresh_token: "b", user_id: SELF, session_id: "01s", expires_in: 900 });
  const offline = new ChatClient(new Api(credentials, noNetwork), SELF, storage, storage, () => undefined);
  const ready = { type: "ready" as const, user_id: SELF, session_id: "01s", conversations: [head(0)] };
  offline.store.open(ready, [ROOM], []);
  offline.store.apply(message(1, SELF));
  offline.store.apply(message(2, OTHER));
  return offline;
}

function Conversation({ place }: { place: PlaceKey }) {
  return (
    <ComposingContext value={useComposingOf(place)}>
      <Composer place={place} />
    </ComposingContext>
  );
}

function shown(place: PlaceKey = PLACE): HTMLTextAreaElement {
  render(
    <ClientProvider client={client}>
      <Conversation place={place} />
    </ClientProvider>,
  );
  return screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
}

function write(box: HTMLTextAreaElement, text: string): void {
  act(() => {
    box.value = text;
    box.setSelectionRange(text.length, text.length);
    fireEvent.input(box);
  });
}

const sent = () => client.store.outgoingTo(PLACE).map((each) => [each.message, each.reply_to]);

test("Enter sends without a connection, and leaves nothing behind", () => {
  const box = shown();
  write(box, "  first\n");
  fireEvent.keyDown(box, { key: "Enter" });
  expect(sent()).toEqual([["  first", null]]);
  expect([box.value, client.drafts.get(PLACE)]).toEqual(["", ""]);
});

test("Shift and Enter, the Enter of an input method, and nothing but space send nothing", () => {
  const box = shown();
  write(box, "text");
  fireEvent.keyDown(box, { key: "Enter", shiftKey: true });
  fireEvent.keyDown(box, { key: "Enter", isComposing: true });
  write(box, " \n ");
  fireEvent.keyDown(box, { key: "Enter" });
  expect(sent()).toEqual([]);
});

test("a text above the limit is kept, and not sent", () => {
  const box = shown();
  write(box, "x".repeat(8_001));
  fireEvent.keyDown(box, { key: "Enter" });
  expect(sent()).toEqual([]);
  expect(screen.getByText(/^Too long: 1 /)).toBeTruthy();
  write(box, "x".repeat(8_000));
  fireEvent.keyDown(box, { key: "Enter" });
  expect(sent()).toHaveLength(1);
});

test("each place keeps its draft, also for the page after this one", () => {
  write(shown(), "begun here");
  cleanup();
  expect(shown(`u:${OTHER}`).value).toBe("");
  cleanup();
  client = opened();
  expect(shown().value).toBe("begun here");
});

test("the arrow up in an empty text changes one's own last message, Escape gives the draft back", () => {
  const box = shown();
  write(box, "draft");
  fireEvent.keyDown(box, { key: "ArrowUp" });
  expect(box.value).toBe("draft");
  write(box, "");
  fireEvent.keyDown(box, { key: "ArrowUp" });
  expect(box.value).toBe("text 1");
  write(box, "text 1, changed");
  expect(client.drafts.get(PLACE)).toBe("");
  fireEvent.keyDown(box, { key: "Escape" });
  expect(box.value).toBe("");
  fireEvent.keyDown(box, { key: "ArrowUp" });
  expect(box.value).toBe("text 1");
});

test("a mention is chosen with the keys, and Enter does not send then", () => {
  const box = shown();
  act(() => {
    client.store.putUsers([{ user_id: OTHER, username: "ada" }]);
    client.store.conversation(ROOM).detail({
      room_id: ROOM,
      room_name: "Room",
      creator_id: SELF,
      seq: 2,
      settings: { adding: "members", posting: "members", history: "everything" },
      members: [
        { user_id: SELF, role: "owner" },
        { user_id: OTHER, role: "member" },
      ],
      next_cursor: "",
      member_count: 2,
      role: "owner",
    });
  });
  write(box, "hello @a");
  expect(screen.getAllByRole("option")).toHaveLength(1);
  expect(box.getAttribute("aria-activedescendant")).toBe(screen.getByRole("option").id);
  act(() => void fireEvent.keyDown(box, { key: "Enter" }));
  expect(box.value).toBe("hello @ada ");
  expect(sent()).toEqual([]);
  expect(screen.queryByRole("listbox")).toBeNull();
});
