import { expect, test } from "vitest";
import { Outbox } from "./outbox";

const command = (ref: string, lane = "a", repeatable = true) => ({
  ref,
  lane,
  text: ref,
  repeatable,
});

function due(outbox: Outbox, now = 0): string[] {
  const refs: string[] = [];
  for (let next = outbox.nextDue(now); next !== null; next = outbox.nextDue(now)) {
    refs.push(next.ref);
  }
  return refs;
}

test("commands are sent in the order in which they were put in", () => {
  const outbox = new Outbox();
  for (const ref of ["1", "2", "3"]) outbox.put(command(ref));
  expect(due(outbox)).toEqual(["1", "2", "3"]);
});

test("after a loss what was not answered is sent again, in the old order", () => {
  const outbox = new Outbox();
  for (const ref of ["1", "2", "3"]) outbox.put(command(ref));
  due(outbox);
  outbox.answered("2");
  outbox.put(command("4"));
  expect(outbox.disconnected()).toEqual([]);
  expect(due(outbox)).toEqual(["1", "3", "4"]);
});

test("what must not be repeated is given up after a loss", () => {
  const outbox = new Outbox();
  outbox.put(command("1", "a", false));
  due(outbox);
  expect(outbox.disconnected()).toEqual(["1"]);
  expect(outbox.size).toBe(0);
});

test("a postponed command holds back its lane, and no other", () => {
  const outbox = new Outbox();
  outbox.put(command("1"));
  expect(due(outbox)).toEqual(["1"]);
  outbox.postpone("1", 100);
  outbox.put(command("2"));
  outbox.put(command("3", "b"));
  expect(due(outbox, 0)).toEqual(["3"]);
  expect(outbox.nextTime()).toBe(0);
  expect(due(outbox, 100)).toEqual(["1"]);
  outbox.answered("1");
  expect(due(outbox, 100)).toEqual(["2"]);
});
