import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { UserSummary } from "../session/api";
import { Store } from "../store/store";
import { People } from "./people";

const asked: string[][] = [];
let isAway = false;
let name = "Ann";
let people: People;
let store: Store;

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  isAway = false;
  name = "Ann";
  store = new Store("self");
  const usersById = (ids: readonly string[]) => {
    asked.push([...ids]);
    if (isAway) return Promise.reject(new Error("there is no network"));
    return Promise.resolve(
      ids.map((id) => ({ user_id: id, username: "ann", display_name: name }) as UserSummary),
    );
  };
  people = new People({ usersById }, store);
});
afterEach(() => vi.useRealTimers());

async function wantAfter(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  people.want("ann");
  await vi.advanceTimersByTimeAsync(100);
}

test("a user who comes into sight again soon is not asked for again", async () => {
  await wantAfter(0);
  await wantAfter(1_000);
  expect(asked).toEqual([["ann"]]);
});

test("a changed name is shown once the user comes into sight after a minute", async () => {
  await wantAfter(0);
  name = "Anna";
  await wantAfter(61_000);
  expect(store.users.get("ann")?.display_name).toBe("Anna");
});

test("a user who has not changed stays the same object", async () => {
  await wantAfter(0);
  const before = store.users;
  people.refreshShown();
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toHaveLength(2);
  expect(store.users).toBe(before);
});

test("a name that could not be read is asked for again, until the client stops", async () => {
  isAway = true;
  await wantAfter(0);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toHaveLength(2);
  people.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  people.want("bob");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
});
