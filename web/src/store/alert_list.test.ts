import { expect, test } from "vitest";
import type { Alert } from "../protocol/alerts";
import { MemoryStorage } from "../testing/memory_storage";
import { AlertList } from "./alert_list";

const failed = (id: string): Alert => ({
  type: "login_failed",
  alert_id: id,
  device: "",
  address: "203.0.113.7",
  at: "2026-11-23T16:45:00.123Z",
});

function setUp(storage = new MemoryStorage()) {
  const list = new AlertList(storage, "01self");
  list.begin();
  return { storage, list };
}

const ids = (list: AlertList) => list.held.get().map(({ alert }) => alert.alert_id);

test("alerts are held newest first, and each once", () => {
  const { list } = setUp();
  expect([list.take(failed("1")), list.take(failed("2")), list.take(failed("1"))]).toEqual([
    true,
    true,
    false,
  ]);
  expect(ids(list)).toEqual(["2", "1"]);
});

test("nothing is acked before all that came earlier was seen", () => {
  const { list } = setUp();
  for (const id of ["1", "2", "3"]) list.take(failed(id));
  list.see(["2"]);
  expect(list.nextAck()).toBeNull();
  list.see(["1"]);
  expect(list.nextAck()).toBe("2");
  expect(list.nextAck()).toBeNull();
  list.see();
  expect(list.nextAck()).toBe("3");
});

test("what was seen without a connection is acked when it is told again", () => {
  const { list } = setUp();
  list.take(failed("1"));
  list.see();
  list.begin();
  expect(list.nextAck()).toBeNull();
  expect(list.take(failed("1"))).toBe(false);
  expect(list.nextAck()).toBe("1");
});

test("alerts outlive the page, and another tab follows", () => {
  const { list, storage } = setUp();
  const other = setUp(storage).list;
  list.take(failed("1"));
  other.follow("chatterroom.alerts.01self");
  expect(ids(other)).toEqual(["1"]);
  expect(ids(setUp(storage).list)).toEqual(["1"]);
});

test("two tabs that are told the same hold it once", () => {
  const { list, storage } = setUp();
  const other = setUp(storage).list;
  list.take(failed("1"));
  expect(other.take(failed("1"))).toBe(false);
  expect(ids(other)).toEqual(["1"]);
});

test("only the newest fifty are held", () => {
  const { list } = setUp();
  for (let count = 0; count < 60; count += 1) list.take(failed(String(count)));
  expect(ids(list)).toHaveLength(50);
  expect(ids(list)[0]).toBe("59");
});

test("what one did in this session is listed, and not announced", () => {
  const { list } = setUp();
  list.take(failed("1"), true);
  expect(list.held.get()).toMatchObject([{ isSeen: true }]);
  expect(list.nextAck()).toBe("1");
});
