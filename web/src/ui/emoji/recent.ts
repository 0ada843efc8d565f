// The emoji that were picked last in this browser, newest first.

const KEY = "chatterroom.emoji";
const KEPT = 24;
const AT_FIRST = ["👍", "❤️", "😂", "🎉", "😮", "🙏", "👀", "✅"];

export function recentEmoji(): readonly string[] {
  const kept = localStorage.getItem(KEY);
  const recent = kept === null ? [] : kept.split(" ").filter((text) => text !== "");
  return [...recent, ...AT_FIRST.filter((text) => !recent.includes(text))].slice(0, KEPT);
}

export function rememberEmoji(text: string): void {
  const recent = [text, ...recentEmoji().filter((each) => each !== text)].slice(0, KEPT);
  try {
    localStorage.setItem(KEY, recent.join(" "));
  } catch {
    // There is no room left: it is picked all the same.
  }
}
