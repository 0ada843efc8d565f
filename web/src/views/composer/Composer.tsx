// Where one writes; or why one may not.

import { useBlocked, useConversation, useUser, useUserName } from "../../app/hooks";
import type { PlaceKey } from "../../store/outgoing";
import { useComposing } from "../conversation/composing";
import { Refused } from "./Refused";
import { refusalOf } from "./refusal";
import { Writing } from "./Writing";

export function Composer({ place }: { place: PlaceKey }) {
  const conversation = useConversation(place);
  const { editing } = useComposing();
  const userId = place.startsWith("u:") ? place.slice(2) : "";
  const name = useUserName(userId);
  const isDeleted = useUser(userId)?.deleted ?? false;
  const isBlocked = useBlocked(userId);
  const peer = userId === "" ? null : { userId, name, isBlocked, isDeleted };
  const refusal = refusalOf(conversation, peer);
  if (refusal !== null && !(refusal.mayEdit && editing !== null)) {
    return <Refused refusal={refusal} />;
  }
  return <Writing key={place} place={place} to={peer === null ? (conversation?.name ?? "") : name} />;
}
