import { expect, test } from "vitest";
import type { Api } from "../session/api";
import { ApiError } from "../session/errors";
import { settle } from "../testing/fake_server";
import { Requests, type WaitingRequest } from "./requests";

function request(id: string): WaitingRequest {
  const kind = id.startsWith("p") ? "message" : "room";
  return {
    kind,
    conversation_id: id,
    user_id: "someone",
    room_name: "",
    preview: "",
    created_at: "2026-11-30T10:00:00.000Z",
  };
}

class FakeApi {
  waiting = ["p1", "r2", "p3"];
  readonly answered: string[] = [];
  refusal: Error | null = null;

  get(_path: string, query: { cursor: string }): Promise<unknown> {
    const from = query.cursor === "" ? 0 : Number(query.cursor);
    const next = from + 2;
    return Promise.resolve({
      requests: this.waiting.slice(from, next).map(request),
      next_cursor: next < this.waiting.length ? `${next}` : "",
      total: this.waiting.length,
    });
  }

  authorised({ path }: { path: string }): Promise<unknown> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    const [, id = "", answer = ""] = /requests\/(\w+)\/(\w+)$/.exec(path) ?? [];
    this.answered.push(`${answer} ${id}`);
    this.waiting = this.waiting.filter((each) => each !== id);
    return Promise.resolve({});
  }
}

function ids(requests: Requests): string[] {
  return requests.held.get().requests.map((each) => each.conversation_id);
}

test("pages follow each other, and the total is told by the first", async () => {
  const requests = new Requests(new FakeApi() as unknown as Api);
  requests.read();
  await settle();
  expect(ids(requests)).toEqual(["p1", "r2"]);
  expect(requests.held.get().total).toBe(3);
  await requests.more();
  expect(ids(requests)).toEqual(["p1", "r2", "p3"]);
  await requests.more();
  expect(ids(requests)).toHaveLength(3);
});

test("an answer takes the request out of the list", async () => {
  const api = new FakeApi();
  const requests = new Requests(api as unknown as Api);
  await requests.accept("p1");
  await requests.decline("r2");
  await settle();
  expect(api.answered).toEqual(["accept p1", "decline r2"]);
  expect(ids(requests)).toEqual(["p3"]);
});

test("what another device has answered is no failure, and anything else is", async () => {
  const api = new FakeApi();
  const requests = new Requests(api as unknown as Api);
  api.refusal = new ApiError("request_not_found", "There is no such request.", 404);
  await requests.accept("p1");
  api.refusal = new ApiError("invitation_void", "This invitation is no longer valid.", 409);
  await expect(requests.accept("r2")).rejects.toThrow("no longer valid");
});
