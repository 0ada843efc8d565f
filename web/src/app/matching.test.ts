import { expect, test } from "vitest";
import { matching } from "./matching";

const find = (text: string, ...titles: string[]) => matching(titles, (title) => title, text);

test("case and accents make no difference", () => {
  expect(find("CAFE", "Café", "Kitchen")).toEqual(["Café"]);
  expect(find("über", "Uber den Wolken")).toEqual(["Uber den Wolken"]);
});

test("every word has to be in the title, in any order", () => {
  expect(find("soup team", "Team Soup", "Team Bread")).toEqual(["Team Soup"]);
});

test("titles that begin with the text come first, then those with a word that does", () => {
  expect(find("an", "Morgan", "jo-anna", "Anna")).toEqual(["Anna", "jo-anna", "Morgan"]);
});

test("nothing is found by nothing", () => {
  expect(find("  ", "Anna")).toEqual([]);
});
