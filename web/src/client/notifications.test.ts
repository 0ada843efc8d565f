import { expect, test } from "vitest";
import { head, message, OTHER, ROOM, SELF } from "../testing/entries";
import { MemoryStorage } from "../testing/memory_storage";
import { Store } from "../store/store";
import { Notifications, type Desktop, type Told } from "./notifications";

class FakeDesktop implements Desktop {
  granted: NotificationPermission = "default";
  answer: NotificationPermission = "granted";
  watched = false;
  readonly shown = new Map<string, { told: Told; click: () => void }>();

  permission = () => this.granted;
  ask = () => Promise.resolve((this.granted = this.answer));
  isWatched = () => Promise.resolve(this.watched);
  show = (told: Told, click: () => void) => {
    this.shown.set(told.tag, { told, click });
    return () => this.shown.delete(told.tag);
  };
}

function setUp() {
  const store = new Store(SELF);
  const conversations = [head(0)];
  store.open({ type: "ready", user_id: SELF, session_id: "01s", conversations }, [ROOM], []);
  store.conversation(ROOM).name = "Kitchen";
  store.putUsers([{ user_id: OTHER, username: "anna" }]);
  const desktop = new FakeDesktop();
  const muted = new Set<string>();
  const opened: string[] = [];
  const notifications = new Notifications({
    store,
    muted: () => muted,
    wantUser: () => undefined,
    open: (place) => opened.push(place),
    desktop,
    storage: new MemoryStorage(),
  });
  const hear = async (seq: number, more = {}) => {
    const told = { ...message(seq), ...more };
    store.apply(told);
    await notifications.heard(told);
  };
  return { store, desktop, muted, opened, notifications, hear };
}

test("nothing is asked or shown before they are turned on", async () => {
  const { desktop, notifications, hear } = setUp();
  await hear(1);
  expect(desktop.granted).toBe("default");
  expect(desktop.shown.size).toBe(0);
  await notifications.turnOn();
  await hear(2);
  expect(desktop.shown.get(ROOM)?.told).toMatchObject({ title: "anna · Kitchen", body: "text 2" });
});

test("a refusal by the browser is told", async () => {
  const { desktop, notifications } = setUp();
  desktop.answer = "denied";
  await notifications.turnOn();
  expect(notifications.state()).toBe("denied");
});

test("what is looked at, one's own and the muted are not told", async () => {
  const { desktop, muted, notifications, hear } = setUp();
  await notifications.turnOn();
  desktop.watched = true;
  await hear(1);
  desktop.watched = false;
  await hear(2, { sender_id: SELF });
  muted.add(ROOM);
  await hear(3);
  expect(desktop.shown.size).toBe(0);
});

test("a mention is told from a muted conversation, too", async () => {
  const { desktop, muted, notifications, hear } = setUp();
  await notifications.turnOn();
  muted.add(ROOM);
  await hear(1, { mentions: [SELF] });
  expect(desktop.shown.size).toBe(1);
});

test("a click opens the conversation", async () => {
  const { desktop, opened, notifications, hear } = setUp();
  await notifications.turnOn();
  await hear(1);
  desktop.shown.get(ROOM)?.click();
  expect(opened).toEqual([`r:${ROOM}`]);
});

test("what is read on another device is taken away", async () => {
  const { store, desktop, notifications, hear } = setUp();
  await notifications.turnOn();
  await hear(1);
  notifications.settle();
  expect(desktop.shown.size).toBe(1);
  store.readUpTo(ROOM, 1);
  notifications.settle();
  expect(desktop.shown.size).toBe(0);
});

test("a browser that has the permission but refuses to show counts as unsupported", async () => {
  const { desktop, notifications, hear } = setUp();
  await notifications.turnOn();
  desktop.show = () => {
    throw new TypeError("Illegal constructor");
  };
  await hear(1);
  expect(notifications.state()).toBe("unsupported");
});
