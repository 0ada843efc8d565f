/**
 * Return what gets the focus after a key: the next or previous element, the first or last. Null
 * before the first; undefined where the key means nothing here.
 */
export function neighbourIn<T>(all: readonly T[], current: T, key: string): T | null | undefined {
  const at = all.indexOf(current);
  if (at === -1) return undefined;
  switch (key) {
    case "ArrowDown":
      return all[Math.min(at + 1, all.length - 1)];
    case "ArrowUp":
      return at === 0 ? null : all[at - 1];
    case "Home":
      return all[0];
    case "End":
      return all.at(-1);
    default:
      return undefined;
  }
}
