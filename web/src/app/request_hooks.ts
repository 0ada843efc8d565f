// How views read what waits for the user's answer.

import type { HeldRequests, WaitingRequest } from "../client/requests";
import type { ConversationId, UserId } from "../protocol/ids";
import { useCell } from "./account_hooks";
import { useClient } from "./session";

export function useRequests(): HeldRequests {
  return useCell(useClient().requests.held);
}

/** Return the message request of a user; null where none waits. */
export function useRequestOf(userId: UserId): WaitingRequest | null {
  const { requests } = useRequests();
  return requests.find((each) => each.kind === "message" && each.user_id === userId) ?? null;
}

/** Return the invitation to a room; null if there is none. */
export function useRequestOfRoom(id: ConversationId): WaitingRequest | null {
  const { requests } = useRequests();
  return requests.find((each) => each.kind === "room" && each.conversation_id === id) ?? null;
}
