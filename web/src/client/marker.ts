// Tells the server how far was read and received: the newest only, and again after a loss.

import type { ConversationId } from "../protocol/ids";
import { ApiError } from "../session/errors";
import type { SessionSocket } from "../socket/session_socket";
import type { Store } from "../store/store";

const GATHER_MS = 400;
// Below the rate at which a server takes marks of one user: ten a second.
const AT_ONCE = 30;
const NEXT_MS = 4_000;

interface Told {
  read: number;
  delivered: number;
}

export class Marker {
  private readonly store: Store;
  private readonly socket: Pick<SessionSocket, "tell">;
  /** What the server is known to know. */
  private readonly told = new Map<ConversationId, Told>();
  /** Rooms to which the user was added and has looked at: that is to be told, whatever was read. */
  private readonly seen = new Set<ConversationId>();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(store: Store, socket: Pick<SessionSocket, "tell">) {
    this.store = store;
    this.socket = socket;
  }

  /** Count the conversation as read up to a message. */
  read(id: ConversationId, index: number): void {
    const conversation = this.store.conversations.get(id);
    if (conversation === undefined) return;
    const isSeen = conversation.addedBy !== "";
    if (index <= conversation.readIndex && !isSeen) return;
    if (isSeen) this.seen.add(id);
    this.store.readUpTo(id, index);
    this.later();
  }

  /** The server says how far it knows. */
  knows(id: ConversationId, read: number, delivered: number): void {
    const told = this.told.get(id) ?? { read: 0, delivered: 0 };
    this.told.set(id, {
      read: Math.max(told.read, read),
      delivered: Math.max(told.delivered, delivered),
    });
  }

  /** See in a moment whether there is something to tell. */
  later(delayMs = GATHER_MS): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.tellSome();
    }, delayMs);
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private tellSome(): void {
    if (this.store.connection !== "live") return;
    let left = AT_ONCE;
    for (const [id, { inside, readIndex: read, messageIndex }] of this.store.conversations) {
      if (!inside) continue;
      const told = this.told.get(id) ?? { read: 0, delivered: 0 };
      const isSeen = this.seen.has(id);
      if (read <= told.read && messageIndex <= told.delivered && !isSeen) continue;
      if (left-- === 0) {
        this.later(NEXT_MS);
        return;
      }
      // Without news of reading, a mark must not say that the user has looked.
      const news = isSeen || read > told.read ? { read } : {};
      this.knows(id, read, messageIndex);
      this.seen.delete(id);
      this.socket
        .tell("mark", { conversation_id: id, ...news, delivered: messageIndex })
        .catch((error: unknown) => {
          // It was not heard: tell it again later, or when the next connection is live.
          this.told.set(id, told);
          if (isSeen) this.seen.add(id);
          if (error instanceof ApiError && error.retryAfterS !== null) this.later(NEXT_MS);
        });
    }
  }
}
