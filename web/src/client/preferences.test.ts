import { expect, test } from "vitest";
import { ApiError, ConnectionLostError } from "../session/errors";
import { Preferences } from "./preferences";

/** The part of the platform that keeps preferences. */
class Account {
  stored: Record<string, unknown> = {};
  failing: Error | null = null;
  calls = 0;

  get = <T>(): Promise<T> => this.answer(() => ({ preferences: this.stored }) as T);

  authorised = <T>(request: { body?: unknown }): Promise<T> =>
    this.answer(() => {
      this.stored = (request.body as { preferences: Record<string, unknown> }).preferences;
      return {} as T;
    });

  private answer<T>(make: () => T): Promise<T> {
    this.calls += 1;
    return this.failing === null ? Promise.resolve(make()) : Promise.reject(this.failing);
  }
}

function setUp(stored: Record<string, unknown> = {}) {
  const account = new Account();
  account.stored = stored;
  const clock = { now: 0 };
  return { account, clock, preferences: new Preferences(account, () => clock.now) };
}

test("muting counts at once and is stored beside what others keep", async () => {
  const { account, preferences } = setUp({ theme: "dark", muted: ["01old"] });
  const stored = preferences.mute("01room", true);
  expect([...preferences.muted()]).toEqual(["01room"]);
  await stored;
  expect(account.stored).toEqual({ theme: "dark", muted: ["01old", "01room"] });
  expect([...preferences.muted()]).toEqual(["01old", "01room"]);
});

test("changes made at the same moment are all stored", async () => {
  const { account, preferences } = setUp();
  await Promise.all([
    preferences.mute("01a", true),
    preferences.change("theme", () => "dark"),
    preferences.mute("01b", true),
    preferences.mute("01a", false),
  ]);
  expect(account.stored).toEqual({ theme: "dark", muted: ["01b"] });
  expect([...preferences.muted()]).toEqual(["01b"]);
});

test("what cannot be stored is taken back", async () => {
  const { account, preferences } = setUp();
  account.failing = new ConnectionLostError("away");
  await expect(preferences.mute("01room", true)).rejects.toThrow(ConnectionLostError);
  expect(preferences.muted().size).toBe(0);
});

test("a platform that keeps no preferences is asked once, and they live with the page", async () => {
  const { account, preferences } = setUp();
  account.failing = new ApiError("not_found", "no such path", 404);
  await preferences.mute("01room", true);
  await preferences.mute("01other", true);
  expect([...preferences.muted()]).toEqual(["01room", "01other"]);
  expect(account.calls).toBe(1);
});

test("they are read anew after a while, not with every reconnect", async () => {
  const { account, clock, preferences } = setUp({ muted: ["01room"] });
  preferences.refresh();
  preferences.refresh();
  await preferences.change("theme", (old) => old);
  expect(account.calls).toBe(3);
  expect([...preferences.muted()]).toEqual(["01room"]);
  account.stored = {};
  clock.now = 30_000;
  preferences.refresh();
  await preferences.change("theme", (old) => old);
  expect(preferences.muted().size).toBe(0);
});

test("favourites are a list of their own, and the oldest of very many go", async () => {
  const { account, preferences } = setUp({ muted: ["01old"] });
  for (let number = 0; number < 45; number += 1) await preferences.put("favourites", `01room${number}`, true);
  expect(preferences.ids("favourites").size).toBe(40);
  expect(preferences.ids("favourites").has("01room4")).toBe(false);
  await preferences.put("favourites", "01room44", false);
  expect(preferences.ids("favourites").size).toBe(39);
  expect(account.stored["muted"]).toEqual(["01old"]);
});
