// Whose presence the views show; the server is asked about all of them together.

import type { UserId } from "../protocol/ids";
import { ApiError } from "../session/errors";
import type { SessionSocket } from "../socket/session_socket";

const MAX_WATCHED = 200;
const GATHER_MS = 100;

export class PresenceWatch {
  private readonly counts = new Map<UserId, number>();
  private readonly socket: Pick<SessionSocket, "tell">;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(socket: Pick<SessionSocket, "tell">) {
    this.socket = socket;
  }

  /** Follow these users until the returned function is called. At most 200 are followed. */
  watch(userIds: readonly UserId[]): () => void {
    for (const id of userIds) this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    this.later();
    return () => {
      for (const id of userIds) {
        const left = (this.counts.get(id) ?? 0) - 1;
        if (left > 0) this.counts.set(id, left);
        else this.counts.delete(id);
      }
      this.later();
    };
  }

  /** Ask in a moment; after every connection once. */
  later(delayMs = GATHER_MS): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      const user_ids = [...this.counts.keys()].slice(0, MAX_WATCHED);
      this.socket.tell("watch_presence", { user_ids }).catch((error: unknown) => {
        // Without a connection it is asked when there is one.
        const waitS = error instanceof ApiError ? error.retryAfterS : null;
        if (waitS !== null) this.later(waitS * 1000 + GATHER_MS);
      });
    }, delayMs);
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
