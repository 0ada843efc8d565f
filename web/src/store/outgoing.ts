// Messages on their way: shown at once, kept in this browser until they are in the history.

import type { Target } from "../protocol/commands";
import type { ClientId, MessageId, UserId } from "../protocol/ids";
import type { KeyValues } from "../session/credentials";

export interface OutgoingMessage {
  readonly client_id: ClientId;
  readonly target: Target;
  readonly message: string;
  readonly reply_to: MessageId | null;
  /** By this machine's clock, in milliseconds; the order of sending. */
  readonly written_at: number;
  readonly state: "sending" | "failed";
  /** Why it failed, for people. */
  readonly problem: string | null;
}

/** A place to write to, whether or not a conversation exists there yet. */
export type PlaceKey = `r:${string}` | `u:${string}`;

export function placeKey(target: Target): PlaceKey {
  return "room_id" in target ? `r:${target.room_id}` : `u:${target.receiver_id}`;
}

export function targetOf(place: PlaceKey): Target {
  const id = place.slice(2);
  return place.startsWith("r:") ? { room_id: id } : { receiver_id: id };
}

/** Keeps each message on its own, so that tabs do not overwrite one another's. */
export class OutgoingStorage {
  private readonly storage: Storage;
  private readonly prefix: string;

  constructor(storage: Storage, userId: UserId) {
    this.storage = storage;
    this.prefix = `chatterroom.outgoing.${userId}.`;
  }

  /** Return what was not known to be stored when the page went away, oldest first. */
  load(): OutgoingMessage[] {
    return this.keys()
      .map((key) => parsed(this.storage.getItem(key)))
      .filter((message) => message !== null)
      .toSorted((one, two) => one.written_at - two.written_at);
  }

  /** Keep a message. Where the browser has no room left, it lives as long as the page. */
  keep(message: OutgoingMessage): void {
    keepIfPossible(this.storage, this.prefix + message.client_id, JSON.stringify(message));
  }

  drop(clientId: ClientId): void {
    this.storage.removeItem(this.prefix + clientId);
  }

  clear(): void {
    for (const key of this.keys()) this.storage.removeItem(key);
  }

  private keys(): string[] {
    const all = Array.from({ length: this.storage.length }, (_, at) => this.storage.key(at));
    return all.filter((key) => key !== null && key.startsWith(this.prefix)) as string[];
  }
}

/** Write where there is room. */
export function keepIfPossible(storage: KeyValues, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function parsed(text: string | null): OutgoingMessage | null {
  try {
    return text === null ? null : (JSON.parse(text) as OutgoingMessage);
  } catch {
    return null;
  }
}
