import { describe, expect, it } from "vitest";

import vectors from "../../../tests/conformance/reactions.json";
import { isSameReaction, normalisedReaction } from "./reactions";

describe("reactions", () => {
  it.each(vectors.reactions as [string, string][])("%j has one spelling", (sent, spelled) => {
    expect(normalisedReaction(sent)).toBe(spelled);
    expect(normalisedReaction(spelled)).toBe(spelled);
    expect(isSameReaction(sent, spelled)).toBe(true);
  });

  it.each(vectors.refused)("%j is none", (text) => {
    expect(normalisedReaction(text)).toBeNull();
    expect(isSameReaction(text, text)).toBe(true);
  });
});
