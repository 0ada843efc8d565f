import { expect, test } from "vitest";
import { Store } from "../../store/store";
import { base, message, OTHER, ROOM, SELF } from "../../testing/entries";
import { deliveryOf } from "./delivery";

test("who came later has read nothing of what was there before", () => {
  const room = new Store(SELF).conversation(ROOM);
  for (const seq of [1, 2]) room.apply(message(seq, SELF));
  room.apply({ ...base(3, SELF), type: "member_added", user_id: OTHER, message_index: 2 });
  room.raise([{ user_id: OTHER, read_index: 2, delivered_index: 2 }]);
  expect(deliveryOf(room, 2, SELF)).toEqual({ readers: [], receivers: [] });
  room.apply(message(4, SELF, 3));
  room.raise([{ user_id: OTHER, read_index: 3, delivered_index: 3 }]);
  expect(deliveryOf(room, 3, SELF).readers).toEqual([OTHER]);
});
