// Moments as people read them, in the language and time zone of the browser.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
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

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Return the day and the time. */
export function moment(at: string): string {
  return at === "" ? "" : MOMENT.format(new Date(at));
}
