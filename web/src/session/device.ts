// What a `User-Agent` says, in words. A guess for people, nothing depends on it.

// The first that fits counts: browsers name those that they descend from as well.
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/\bcurl\//, "curl"],
  [/\bpython\b|\baiohttp\/|\bhttpx\//i, "Python"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

const MAX_SHOWN = 40;

/** Return such as “Firefox on Windows”; the beginning of the text where it is not understood. */
export function sayDevice(userAgent: string): string {
  const program = nameIn(userAgent, PROGRAMS);
  const system = nameIn(userAgent, SYSTEMS);
  if (program !== null && system !== null) return `${program} on ${system}`;
  if (program !== null || system !== null) return program ?? system ?? "";
  const text = userAgent.trim();
  if (text === "") return "Unknown device";
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Say whether it is something that is held in the hand. */
export function isHandheld(userAgent: string): boolean {
  return /\biPhone\b|\biPad\b|\bAndroid\b|\bMobile\b/.test(userAgent);
}

function nameIn(text: string, names: readonly (readonly [RegExp, string])[]): string | null {
  return names.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
