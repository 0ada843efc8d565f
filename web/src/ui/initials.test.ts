import { expect, test } from "vitest";
import { initialsOf } from "./initials";

test("two words give two letters, one word gives one", () => {
  expect(initialsOf("Mina Okafor")).toBe("MO");
  expect(initialsOf("Ana María de la Cruz")).toBe("AC");
  expect(initialsOf("jonas")).toBe("J");
  expect(initialsOf("jonas-lindqvist")).toBe("JL");
  expect(initialsOf("Roof garden (2)")).toBe("R2");
});

test("letters are those that people see", () => {
  expect(initialsOf("प्रिया")).toBe("प्रि");
  expect(initialsOf("👩‍💻 Ada")).toBe("A");
  expect(initialsOf("👩‍💻")).toBe("👩‍💻");
  expect(initialsOf("e\u0301lan")).toBe("E\u0301");
  expect(initialsOf("")).toBe("");
  expect(initialsOf("…")).toBe("…");
});
