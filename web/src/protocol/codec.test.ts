import { expect, test } from "vitest";
import { decodeFrame } from "./codec";

test("a block is an event of its own, not one that is unknown", () => {
  const text = '{"type": "block", "user_id": "01other", "blocked": true}';
  expect(decodeFrame(text)).toEqual({ type: "block", user_id: "01other", blocked: true });
});

test("what is unknown and has no place is let through", () => {
  expect(decodeFrame('{"type": "weather"}')).toMatchObject({ type: "other" });
});
