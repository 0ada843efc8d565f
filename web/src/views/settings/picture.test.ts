import { expect, test } from "vitest";
import { firstThatFits, middleSquare } from "./picture";

test("the middle of a picture is taken, whichever side is longer", () => {
  expect(middleSquare(400, 200)).toEqual({ x: 100, y: 0, side: 200 });
  expect(middleSquare(200, 401)).toEqual({ x: 0, y: 100, side: 200 });
});

test("a picture that is too long is written again, with less of it", () => {
  const written = firstThatFits((type, quality) => `data:${type};base64,${"x".repeat(quality * 50_000)}`);
  expect(written?.length).toBeLessThanOrEqual(40_000);
  expect(written).toMatch(/^data:image\/webp;/);
});

test("a browser that writes another type than asked for is asked for the next", () => {
  const written = firstThatFits((type) =>
    type === "image/webp" ? "data:image/png;base64,x" : `data:${type};base64,x`,
  );
  expect(written).toBe("data:image/jpeg;base64,x");
});

test("what never fits is no picture", () => {
  expect(firstThatFits((type) => `data:${type};base64,${"x".repeat(40_001)}`)).toBeNull();
});
