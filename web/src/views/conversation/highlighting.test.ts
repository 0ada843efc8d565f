import fc from "fast-check";
import { expect, test } from "vitest";
import { highlight } from "./highlighting";

test("the pieces are the whole code, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom("py", "ts", "html", "sql", "diff"), (text, language) => {
      expect(highlight(text, language)?.map((piece) => piece.text).join("")).toBe(text);
    }),
  );
});

test("keywords, strings and comments are told apart", () => {
  const pieces = highlight('return "x" # done', "python") ?? [];
  expect(pieces.filter(({ kind }) => kind !== null)).toEqual([
    { kind: "keyword", text: "return" },
    { kind: "string", text: '"x"' },
    { kind: "comment", text: "# done" },
  ]);
});

test("an unknown language has no pieces", () => {
  expect(highlight("anything", "klingon")).toBeNull();
});
