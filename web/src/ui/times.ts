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
const LONG_DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

/** Return the time of today, or the day. */
export function shortTime(moment: string, now = new Date()): string {
  if (moment === "") return "";
  const date = new Date(moment);
  return date.toDateString() === now.toDateString() ? TIME.format(date) : DAY.format(date);
}

export function timeOfDay(moment: string | number): string {
  return TIME.format(new Date(moment));
}

export function longDay(moment: string): string {
  return LONG_DAY.format(new Date(moment));
}

/** Return the time of today, the day of this year and its time, or the day of another year. */
export function shortMoment(moment: string, now = new Date()): string {
  if (moment === "") return "";
  const date = new Date(moment);
  if (date.toDateString() === now.toDateString()) return TIME.format(date);
  const isThisYear = date.getFullYear() === now.getFullYear();
  return (isThisYear ? DAY_AND_TIME : DAY_OF_YEAR).format(date);
}
