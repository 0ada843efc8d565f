// Tells readers of the screen what others have just written: who, what, when. Never what was there
// before, nor what scrolls into sight.

import { useEffect, useRef, useState } from "react";
import { useStore, useUserName } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { Message } from "../../store/message";
import type { PlaceKey } from "../../store/outgoing";
import { timeOfDay } from "../../ui/times";

const TOLD_TOGETHER = 5;
const LETTERS = 500;

export function Announcer({ place }: { place: PlaceKey }) {
  const { store } = useClient();
  const isListed = useStore((each) => each.at(place)?.listed ?? false);
  const newest = useStore((each) => each.at(place)?.messageIndex ?? 0);
  const toldUpTo = useRef<number | null>(null);
  const [told, setTold] = useState<readonly Message[]>([]);
  useEffect(() => {
    if (!isListed) return;
    const from = toldUpTo.current;
    toldUpTo.current = newest;
    const conversation = store.at(place);
    if (from === null || conversation === undefined) return;
    const fresh: Message[] = [];
    for (let index = Math.max(from, newest - TOLD_TOGETHER) + 1; index <= newest; index += 1) {
      const message = conversation.at(index);
      if (message !== undefined && message.sender_id !== store.selfId) fresh.push(message);
    }
    if (fresh.length > 0) setTold((before) => [...before, ...fresh].slice(-TOLD_TOGETHER));
  }, [store, place, isListed, newest]);
  return (
    <div className="visually-hidden" aria-live="polite" aria-relevant="additions">
      {told.map((message) => (
        <Announcement key={message.id} message={message} />
      ))}
    </div>
  );
}

function Announcement({ message }: { message: Message }) {
  const name = useUserName(message.sender_id);
  const text = message.message.slice(0, LETTERS);
  return <p>{`${name}: ${text}, ${timeOfDay(message.created_at)}`}</p>;
}
