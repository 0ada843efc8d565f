// Desktop notifications: of messages that come while nobody looks at the page.

import { isPrivate, type ConversationId, type UserId } from "../protocol/ids";
import type { MessageEvent } from "../protocol/events";
import type { KeyValues } from "../session/credentials";
import { keepIfPossible, type PlaceKey } from "../store/outgoing";
import type { Store } from "../store/store";

/** `unasked`: the browser will ask when they are turned on; `denied`: it refuses. */
export type NotificationState = "unsupported" | "unasked" | "off" | "on" | "denied";

export interface Told {
  readonly title: string;
  readonly body: string;
  readonly icon: string;
  /** A newer notification with the same tag takes the place of the older. */
  readonly tag: string;
}

/** The browser's part. */
export interface Desktop {
  /** Null where there are no notifications. */
  permission(): NotificationPermission | null;
  ask(): Promise<NotificationPermission>;
  /** Whether some tab of this client is being looked at. */
  isWatched(): Promise<boolean>;
  /** Show a notification and return how to take it away. */
  show(told: Told, onClick: () => void): () => void;
}

const TEXT_CHARACTERS = 200;
const NAME_WITHIN_MS = 2_000;
const ICON = "/icon.svg";

/** Say whether a message is worth a notification. */
export function isNotable(
  message: MessageEvent,
  selfId: UserId,
  muted: ReadonlySet<ConversationId>,
): boolean {
  if (message.sender_id === selfId || message.deleted) return false;
  return !muted.has(message.conversation_id) || (message.mentions ?? []).includes(selfId);
}

interface Parts {
  readonly store: Store;
  readonly muted: () => ReadonlySet<ConversationId>;
  readonly wantUser: (id: UserId) => void;
  readonly open: (place: PlaceKey) => void;
  readonly desktop: Desktop;
  readonly storage: KeyValues;
}

export class Notifications {
  private readonly shown = new Map<ConversationId, { index: number; close: () => void }>();
  private readonly listeners = new Set<() => void>();
  private readonly key: string;
  private readonly parts: Parts;
  private isRefused = false;

  constructor(parts: Parts) {
    this.parts = parts;
    this.key = `chatterroom.notifications.${parts.store.selfId}`;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly state = (): NotificationState => {
    const permission = this.isRefused ? null : this.parts.desktop.permission();
    if (permission === null) return "unsupported";
    if (permission === "denied") return "denied";
    const isWanted = this.parts.storage.getItem(this.key) === "on";
    if (permission === "default") return "unasked";
    return isWanted ? "on" : "off";
  };

  /** Turn them on; call it in answer to a click, since the browser may have to ask. */
  async turnOn(): Promise<void> {
    if (this.parts.desktop.permission() === "default") await this.parts.desktop.ask();
    if (this.parts.desktop.permission() === "granted") {
      keepIfPossible(this.parts.storage, this.key, "on");
    }
    this.changed();
  }

  turnOff(): void {
    this.parts.storage.removeItem(this.key);
    this.closeAll();
    this.changed();
  }

  /** A message has come. */
  async heard(message: MessageEvent): Promise<void> {
    const { store, muted, desktop } = this.parts;
    if (this.state() !== "on" || !isNotable(message, store.selfId, muted())) return;
    if (await desktop.isWatched()) return;
    await this.named(message.sender_id);
    const { conversation_id: id, message_index: index } = message;
    const newest = this.shown.get(id)?.index ?? 0;
    // It was read elsewhere, or a newer one was faster, while the name was looked up.
    if (this.state() !== "on" || index <= Math.max(newest, store.conversation(id).readIndex)) return;
    try {
      const close = desktop.show(this.text(message), () => {
        this.shown.delete(id);
        this.parts.open(placeOfMessage(message));
      });
      this.shown.set(id, { index, close });
    } catch (error) {
      // Phones have the permission and the constructor, and refuse to use it.
      if (!(error instanceof TypeError)) throw error;
      this.isRefused = true;
      this.changed();
    }
  }

  /** Take away what has been read meanwhile, here or on another device. */
  settle(): void {
    for (const [id, { index, close }] of this.shown) {
      const conversation = this.parts.store.conversations.get(id);
      if (conversation?.inside && conversation.readIndex < index) continue;
      this.shown.delete(id);
      close();
    }
  }

  closeAll(): void {
    for (const { close } of this.shown.values()) close();
    this.shown.clear();
  }

  private text(message: MessageEvent): Told {
    const { store } = this.parts;
    const user = store.users.get(message.sender_id);
    const sender = user?.display_name || user?.username || "New message";
    const room = isPrivate(message.conversation_id)
      ? ""
      : store.conversation(message.conversation_id).name;
    return {
      title: room === "" ? sender : `${sender} · ${room}`,
      body: [...message.message].slice(0, TEXT_CHARACTERS).join(""),
      icon: user?.avatar_url || ICON,
      tag: message.conversation_id,
    };
  }

  /** Wait a moment for the sender's name. */
  private async named(id: UserId): Promise<void> {
    const { store, wantUser } = this.parts;
    if (store.users.has(id)) return;
    wantUser(id);
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, NAME_WITHIN_MS);
      const stop = store.subscribe(() => {
        if (store.users.has(id)) done();
      });
    });
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

function placeOfMessage({ conversation_id: id, sender_id: sender }: MessageEvent): PlaceKey {
  return isPrivate(id) ? `u:${sender}` : `r:${id}`;
}
