// What is wrong with what was written into the forms, before the platform is asked. It decides;
// these spare a round trip. Pure.

const PASSWORD_BYTES = { fewest: 8, most: 1024 };
const USERNAME = /^(?=.*[\p{L}\p{Nd}])[\p{L}\p{Nd}_.-]{3,32}$/u;

export const USERNAME_RULE = "3 to 32 letters, digits, or . _ -";

/** Each returns a sentence, or null where nothing is wrong. */
export function problemOfUsername(text: string): string | null {
  if (text === "") return "Enter a username.";
  return USERNAME.test(text.normalize("NFKC")) ? null : `Use ${USERNAME_RULE}.`;
}

export function problemOfEmail(text: string): string | null {
  if (text === "") return "Enter your email address.";
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? null : "Enter a valid email address.";
}

/** `long` is what a new password has to be first; the platform refuses the common ones as well. */
export const PASSWORD_RULES = { long: "8 characters or more", rare: "Not a commonly used password" } as const;

/** Say whether a new password has the length that is wanted. */
export function isLongEnough(password: string): boolean {
  return new TextEncoder().encode(password).length >= PASSWORD_BYTES.fewest;
}

export function problemOfNewPassword(password: string): string | null {
  if (password === "") return "Enter a password.";
  if (!isLongEnough(password)) return "This password is too short.";
  const bytes = new TextEncoder().encode(password).length;
  return bytes <= PASSWORD_BYTES.most ? null : "This password is too long.";
}
