import { expect, test } from "vitest";
import { problemOfEmail, problemOfNewPassword, problemOfUsername } from "./checks";

test.each(["anna", "jo.anna-2", "Łukasz", "ab_"])("%s may be a username", (name) => {
  expect(problemOfUsername(name)).toBeNull();
});

test.each(["", "an", "a b c", "...", "x".repeat(33), "anna@home"])(
  "%j may not be a username",
  (name) => {
    expect(problemOfUsername(name)).not.toBeNull();
  },
);

test("an email address has an at sign and a dot behind it", () => {
  expect(problemOfEmail("anna@example.org")).toBeNull();
  expect(problemOfEmail("anna@example")).not.toBeNull();
  expect(problemOfEmail("anna example.org")).not.toBeNull();
});

test("a new password has 8 to 1024 bytes", () => {
  expect(problemOfNewPassword("")).not.toBeNull();
  expect(problemOfNewPassword("1234567")).not.toBeNull();
  expect(problemOfNewPassword("12345678")).toBeNull();
  expect(problemOfNewPassword("äöüß")).toBeNull();
  expect(problemOfNewPassword("x".repeat(1025))).not.toBeNull();
});
