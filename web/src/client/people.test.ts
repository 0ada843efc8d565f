import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { UserSummary } from "../session/api";
import { ApiError } from "../session/errors";
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

test("a batch that is refused is not repeated, and the others are asked for", async () => {
  const refused: string[][] = [];
  people = new People(
    {
      usersById: (ids) => {
        refused.push([...ids]);
        return Promise.reject(new ApiError("invalid_request", "", 400));
      },
    },
    store,
  );
  people.want("garbage!");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(refused).toEqual([["garbage!"]]);
  people.want("bob");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(refused).toEqual([["garbage!"], ["bob"]]);
});

test("too many requests are no refusal of the question", async () => {
  let times = 0;
  people = new People(
    { usersById: () => (times++, Promise.reject(new ApiError("rate_limited", "", 429))) },
    store,
  );
  people.want("ann");
  await vi.advanceTimersByTimeAsync(12_000);
  expect(times).toBeGreaterThan(1);
});

test("who was asked for and not found is missing", async () => {
  people = new People({ usersById: () => Promise.resolve([]) }, store);
  people.want("ann");
  await vi.advanceTimersByTimeAsync(100);
  expect([...store.missing]).toEqual(["ann"]);
});

test("a deleted user is not online, whatever was said of their presence", () => {
  store.applyPassing({ type: "presence", users: [{ user_id: "ann", online: true }] });
  expect(store.isOnline("ann")).toBe(true);
  store.putUsers([{ user_id: "ann", username: "", deleted: true }]);
  expect(store.isOnline("ann")).toBe(false);
});
