// From one conversation to the next, in the order of the list. Pure.

import type { PlaceKey } from "../store/outgoing";
import type { ConversationSummary } from "../store/selectors";

/**
 * Return the place `step` (1 or -1) away in the list; null at its end. From nowhere one comes to
 * its beginning. `isWanted` leaves out others.
 */
export function neighbourOf(
  list: readonly ConversationSummary[],
  place: PlaceKey | null,
  step: 1 | -1,
  isWanted: (conversation: ConversationSummary) => boolean = () => true,
): PlaceKey | null {
  const at = list.findIndex((conversation) => conversation.place === place);
  const from = at === -1 ? (step === 1 ? 0 : list.length - 1) : at + step;
  for (let index = from; index >= 0 && index < list.length; index += step) {
    const conversation = list[index];
    if (conversation !== undefined && isWanted(conversation)) return conversation.place;
  }
  return null;
}
