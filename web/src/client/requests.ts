// What waits for the user's answer, and who may reach them at all.

import type { ConversationId, UserId } from "../protocol/ids";
import type { Api } from "../session/api";
import { ApiError } from "../session/errors";
import { Cell } from "../store/cell";

const AGAIN_AFTER_MS = 5_000;

export interface WaitingRequest {
  /** Somebody wants to write, or to add the user to a room. */
  readonly kind: "message" | "room";
  readonly conversation_id: ConversationId;
  readonly user_id: UserId;
  readonly room_name: string;
  readonly preview: string;
  readonly created_at: string;
}

export interface HeldRequests {
  /** Newest first. */
  readonly requests: readonly WaitingRequest[];
  /** How many there are, more than are held where a further page has not been read. */
  readonly total: number;
  /** Where the next page begins, empty on the last. */
  readonly cursor: string;
}

export type WhoMay = "everyone" | "shared" | "nobody";

export interface ContactSettings {
  readonly add_to_rooms: WhoMay;
  readonly message_first: WhoMay;
}

interface Page {
  readonly requests: readonly WaitingRequest[];
  readonly next_cursor: string;
  readonly total: number;
}

const NONE: HeldRequests = { requests: [], total: 0, cursor: "" };

export class Requests {
  readonly held = new Cell<HeldRequests>(NONE);
  private readonly api: Api;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private isStopped = false;
  /** Raised with each reading of the first page: what an older one finds is outdated. */
  private readings = 0;

  constructor(api: Api) {
    this.api = api;
  }

  /** Read the first page again. Call it whenever something may have changed. */
  read(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    const reading = ++this.readings;
    this.page("").then(
      (page) => {
        if (reading === this.readings) this.held.set(heldOf(page, []));
      },
      () => {
        if (!this.isStopped) this.retry = setTimeout(() => this.read(), AGAIN_AFTER_MS);
      },
    );
  }

  /** Read the next page. */
  async more(): Promise<void> {
    const reading = this.readings;
    const { requests, cursor } = this.held.get();
    if (cursor === "") return;
    const page = await this.page(cursor);
    if (reading === this.readings) this.held.set(heldOf(page, requests));
  }

  accept(id: ConversationId): Promise<void> {
    return this.answer(id, "accept");
  }

  decline(id: ConversationId): Promise<void> {
    return this.answer(id, "decline");
  }

  settings(): Promise<ContactSettings> {
    return this.api.get("/chat-service/contact-settings");
  }

  changeSettings(changes: Partial<ContactSettings>): Promise<ContactSettings> {
    const path = "/chat-service/contact-settings";
    return this.api.authorised({ method: "PUT", path, body: changes });
  }

  stop(): void {
    this.isStopped = true;
    if (this.retry !== null) clearTimeout(this.retry);
  }

  private async answer(id: ConversationId, answer: "accept" | "decline"): Promise<void> {
    try {
      await this.api.authorised({ method: "PUT", path: `/chat-service/requests/${id}/${answer}` });
    } catch (error) {
      // Another device was faster.
      if (!(error instanceof ApiError) || error.code !== "request_not_found") throw error;
    } finally {
      this.read();
    }
  }

  private page(cursor: string): Promise<Page> {
    return this.api.get("/chat-service/requests", { cursor });
  }
}

function heldOf(page: Page, before: readonly WaitingRequest[]): HeldRequests {
  return {
    requests: [...before, ...page.requests],
    total: page.total,
    cursor: page.next_cursor,
  };
}
