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

test("any word of a name is enough, with or without an @ and spaces", () => {
  const names = ["Chloé Dubois chloe-d", "Søren Łukasiewicz", "Straße", "ΟΔΥΣΣΕΥΣ", "김철수", "Mary Ann"];
  expect(find("Dubois", ...names)).toEqual(["Chloé Dubois chloe-d"]);
  expect(find(" @chloe ", ...names)).toEqual(["Chloé Dubois chloe-d"]);
  expect(find("@ dub chl", ...names)).toEqual(["Chloé Dubois chloe-d"]);
  expect(find("d", ...names)).toEqual(["Chloé Dubois chloe-d"]);
  expect(find("STRASSE", ...names)).toEqual(["Straße"]);
  expect(find("οδυσσευς", ...names)).toEqual(["ΟΔΥΣΣΕΥΣ"]);
  expect(find("철수", ...names)).toEqual(["김철수"]);
  expect(find("maryann", ...names)).toEqual(["Mary Ann"]);
  expect(find("@", ...names)).toEqual([]);
});

test("the same letters typed in another way are found", () => {
  expect(find("Chloé".normalize("NFD"), "Chloé".normalize("NFC"))).toHaveLength(1);
  expect(find("ｃｈｌｏｅ", "Chloé")).toHaveLength(1);
});

test("vowels of Indic scripts are no accents", () => {
  expect(find("प्रि", "प्रिया", "परया")).toEqual(["प्रिया"]);
});
