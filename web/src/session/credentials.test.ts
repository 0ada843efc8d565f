import { expect, test } from "vitest";
import { MemoryStorage } from "../testing/memory_storage";
import { Credentials, type Tokens } from "./credentials";
import { ApiError, LoggedOutError } from "./errors";

const tokens = (number: number): Tokens => ({
  token: `access ${number}`,
  refresh_token: `refresh ${number}`,
  user_id: "01self",
  session_id: "01session",
  expires_in: 900,
});

const settled = Promise.resolve();

function setUp(refresh: (token: string) => Promise<Tokens>) {
  const storage = new MemoryStorage();
  const clock = { now: 0 };
  const credentials = new Credentials(storage, refresh, (task) => task(), () => clock.now, () => settled);
  credentials.take(tokens(1));
  return { storage, clock, credentials };
}

test("a token that works is used", async () => {
  const { credentials } = setUp(() => Promise.reject(new Error("not asked for")));
  expect(await credentials.fresh()).toBe("access 1");
});

test("all who need a new token wait for one renewal", async () => {
  const used: string[] = [];
  const { credentials, clock } = setUp((token) => {
    used.push(token);
    return Promise.resolve(tokens(used.length + 1));
  });
  clock.now = 900_000;
  const got = await Promise.all([credentials.fresh(), credentials.renewed("access 1")]);
  expect(got).toEqual(["access 2", "access 2"]);
  expect(used).toEqual(["refresh 1"]);
});

test("what another tab has renewed is taken, not renewed again", async () => {
  const { credentials, storage } = setUp(() => Promise.reject(new Error("not asked for")));
  new Credentials(storage, () => Promise.reject(new Error()), (task) => task()).take(tokens(5));
  expect(await credentials.renewed("access 1")).toBe("access 5");
});

test("a refused renewal ends the session", async () => {
  const { credentials } = setUp(() =>
    Promise.reject(new ApiError("token_invalid", "used before", 401)),
  );
  await expect(credentials.renewed("access 1")).rejects.toThrow(LoggedOutError);
  expect(credentials.current).toBeNull();
});

test("a refused renewal does not throw away the pair that another tab gets meanwhile", async () => {
  const storage = new MemoryStorage();
  const other = new Credentials(storage, () => Promise.reject(new Error()), (task) => task());
  let looks = 0;
  const credentials = new Credentials(
    storage,
    () => Promise.reject(new ApiError("token_invalid", "used before", 401)),
    (task) => task(),
    () => 0,
    // What the other tab has stored is seen here a while later.
    () => Promise.resolve(++looks === 3 ? other.take(tokens(2)) : undefined),
  );
  credentials.take(tokens(1));
  expect(await credentials.renewed("access 1")).toBe("access 2");
  expect(credentials.current).not.toBeNull();
});

test("the end of one session does not forget another", () => {
  const { credentials } = setUp(() => Promise.reject(new Error()));
  credentials.take({ ...tokens(7), session_id: "01newer" });
  credentials.forget("01session");
  expect(credentials.current?.sessionId).toBe("01newer");
  credentials.forget("01newer");
  expect(credentials.current).toBeNull();
});

test("any number of tabs with one view of the storage each stay logged in", async () => {
  // As the platform does: every repeat of a refresh token gets the same successor.
  const refresh = (token: string) => Promise.resolve(tokens(Number(token.split(" ")[1]) + 1));
  const views = Array.from({ length: 10 }, () => new MemoryStorage());
  const tabs = views.map((view) => new Credentials(view, refresh, (task) => task(), () => 0, () => settled));
  for (const tab of tabs) tab.take(tokens(1));
  const got = await Promise.all(tabs.map((tab) => tab.renewed("access 1")));
  expect(new Set(got)).toEqual(new Set(["access 2"]));
});

test("a renewal that fails for now keeps the tokens", async () => {
  const { credentials } = setUp(() =>
    Promise.reject(new ApiError("storage_unavailable", "later", 503)),
  );
  await expect(credentials.renewed("access 1")).rejects.toThrow(ApiError);
  expect(credentials.current).toEqual({ userId: "01self", sessionId: "01session" });
});
