import { expect, test } from "vitest";
import { dayLabel, shortMoment, shortTime } from "./times";

const NOW = new Date(2026, 6, 14, 12, 0);
const at = (...parts: [number, number, number]) => new Date(...parts, 9, 5).toISOString();

test("a moment of today is a time, one of this year a day and a time, an older one a day", () => {
  const today = shortMoment(at(2026, 6, 14), NOW);
  const earlier = shortMoment(at(2026, 2, 3), NOW);
  const older = shortMoment(at(2024, 2, 3), NOW);
  expect(today).toMatch(/9.05/);
  expect(today).not.toMatch(/14|2026/);
  expect(earlier).toMatch(/3.*9.05/);
  expect(earlier).not.toContain("2026");
  expect(older).toMatch(/3.*2024/);
  expect(older).not.toMatch(/9.05/);
});

test("in a list, only what was today has a time", () => {
  expect(shortTime(at(2026, 6, 14), NOW)).toMatch(/9.05/);
  expect(shortTime(at(2026, 6, 13), NOW)).not.toMatch(/9.05/);
  expect(shortTime("", NOW)).toBe("");
});

test("a day is today, yesterday, or a date with its year if that is another", () => {
  expect(dayLabel(at(2026, 6, 14), NOW)).toBe("Today");
  expect(dayLabel(new Date(2026, 6, 13, 23, 59).toISOString(), NOW)).toBe("Yesterday");
  expect(dayLabel(at(2026, 6, 12), NOW)).toMatch(/Sunday.*12|12.*Sunday/);
  expect(dayLabel(at(2026, 6, 12), NOW)).not.toContain("2026");
  expect(dayLabel(at(2025, 6, 12), NOW)).toContain("2025");
  expect(shortTime(at(2026, 6, 13), NOW)).toBe("Yesterday");
  expect(shortTime(at(2025, 6, 13), NOW)).toContain("2025");
  expect(shortTime(at(2026, 5, 13), NOW)).not.toContain("2026");
});
