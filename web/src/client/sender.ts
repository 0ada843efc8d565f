// Sends messages exactly once: shown at once, kept until they are stored, sent again if need be.

import type { Ack, Reply } from "../protocol/events";
import { newClientId, type ClientId, type MessageId } from "../protocol/ids";
import { ApiError, sayError } from "../session/errors";
import { targetOf, type OutgoingMessage, type OutgoingStorage, type PlaceKey } from "../store/outgoing";
import type { Store } from "../store/store";
import type { SessionSocket } from "../socket/session_socket";

export class Sender {
  private readonly store: Store;
  private readonly storage: OutgoingStorage;
  private readonly socket: Pick<SessionSocket, "append" | "seqOf">;
  private lastWrittenAt = 0;

  constructor(
    store: Store,
    storage: OutgoingStorage,
    socket: Pick<SessionSocket, "append" | "seqOf">,
  ) {
    this.store = store;
    this.storage = storage;
    this.socket = socket;
  }

  /** Go on with what an earlier page has left. */
  start(): void {
    for (const message of this.storage.load()) {
      this.store.putOutgoing(message);
      if (message.state === "sending") void this.transmit(message);
    }
  }

  /** Show a message and send it as soon as there is a connection. */
  send(place: PlaceKey, text: string, replyTo: MessageId | null = null): ClientId {
    // Two messages of one moment keep their order.
    this.lastWrittenAt = Math.max(Date.now(), this.lastWrittenAt + 1);
    const message: OutgoingMessage = {
      client_id: newClientId(),
      target: targetOf(place),
      message: text,
      reply_to: replyTo,
      written_at: this.lastWrittenAt,
      state: "sending",
      problem: null,
    };
    this.put(message);
    void this.transmit(message);
    return message.client_id;
  }

  /** Try again what has failed: the same message, so that it is never stored twice. */
  retry(clientId: ClientId): void {
    const failed = this.store.outgoing.get(clientId);
    if (failed?.state !== "failed") return;
    const message: OutgoingMessage = { ...failed, state: "sending", problem: null };
    this.put(message);
    void this.transmit(message);
  }

  /** Give up what has failed. */
  discard(clientId: ClientId): void {
    if (this.store.outgoing.get(clientId)?.state !== "failed") return;
    this.storage.drop(clientId);
    this.store.dropOutgoing(clientId);
  }

  private async transmit(message: OutgoingMessage): Promise<void> {
    const { target, message: text, reply_to, client_id } = message;
    const fields = { ...target, message: text, ...(reply_to === null ? {} : { reply_to }) };
    let reply: Reply;
    try {
      reply = await this.socket.append("send", fields, client_id);
    } catch (error) {
      // Where the session ends, the message stays for the next one.
      if (error instanceof ApiError) {
        this.put({ ...message, state: "failed", problem: sayError(error) });
      }
      return;
    }
    this.storage.drop(client_id);
    const { conversation_id, seq } = reply as Ack;
    // Otherwise its event follows, and takes the place of what is shown.
    if (seq <= this.socket.seqOf(conversation_id)) this.store.dropOutgoing(client_id);
  }

  private put(message: OutgoingMessage): void {
    this.storage.keep(message);
    this.store.putOutgoing(message);
  }
}
