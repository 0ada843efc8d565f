import { expect, test } from "vitest";
import { previewOf } from "./preview";

test.each([
  ["one\n\n two", "one two"],
  ["**bold** and `code`", "bold and code"],
  ["> quoted\nanswer", "quoted answer"],
  ["[a page](https://example.org/a)", "a page"],
  ["2 ** 3 ** 4", "2 ** 3 ** 4"],
  ["*soft* and _soft_", "soft and soft"],
  ["2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"],
  ["#kitchen", "#kitchen"],
])("%j is shown as %j", (text, shown) => {
  expect(previewOf(text)).toBe(shown);
});

test("a long text is cut between characters, not within one", () => {
  expect(previewOf("👩‍🍳".repeat(200)).endsWith("�")).toBe(false);
  expect([...previewOf("👍".repeat(500))].length).toBe(160);
});
