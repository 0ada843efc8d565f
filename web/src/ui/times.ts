// Moments as people read them, in the language and time zone of the browser.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
});
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const LONG_DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

/** Return the time of today, "Yesterday", or the day, with its year if that is another. */
export function shortTime(moment: string, now = new Date()): string {
  if (moment === "") return "";
  const date = new Date(moment);
  const days = daysBetween(date, now);
  if (days === 0) return TIME.format(date);
  if (days === 1) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? DAY : DAY_OF_YEAR).format(date);
}

export function timeOfDay(moment: string | number): string {
  return TIME.format(new Date(moment));
}

export function longDay(moment: string): string {
  return LONG_DAY.format(new Date(moment));
}

/** Return "Today", "Yesterday" or the day in full, with its year if that is another. */
export function dayLabel(moment: string | number, now = new Date()): string {
  const date = new Date(moment);
  const days = daysBetween(date, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? WEEKDAY : LONG_DAY).format(date);
}

/** How many midnights lie between two moments, in the time zone of the browser. */
function daysBetween(date: Date, now: Date): number {
  const day = (each: Date) => Date.UTC(each.getFullYear(), each.getMonth(), each.getDate());
  return (day(now) - day(date)) / 86_400_000;
}

/** Return the time of today, the day of this year and its time, or the day of another year. */
export function shortMoment(moment: string, now = new Date()): string {
  if (moment === "") return "";
  const date = new Date(moment);
  if (date.toDateString() === now.toDateString()) return TIME.format(date);
  const isThisYear = date.getFullYear() === now.getFullYear();
  return (isThisYear ? DAY_AND_TIME : DAY_OF_YEAR).format(date);
}
