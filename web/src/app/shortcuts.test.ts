import { expect, test } from "vitest";
import { isPressed, keysOf } from "./shortcuts";

const press = (key: string, held: Partial<Record<"ctrl" | "meta" | "alt" | "shift", true>> = {}) => ({
  key,
  ctrlKey: held.ctrl ?? false,
  metaKey: held.meta ?? false,
  altKey: held.alt ?? false,
  shiftKey: held.shift ?? false,
});

test("Mod is Command on Apple's machines and Control on the others", () => {
  expect(isPressed(press("k", { ctrl: true }), "Mod+K", false)).toBe(true);
  expect(isPressed(press("k", { meta: true }), "Mod+K", false)).toBe(false);
  expect(isPressed(press("k", { meta: true }), "Mod+K", true)).toBe(true);
  expect(isPressed(press("k", { ctrl: true }), "Mod+K", true)).toBe(false);
});

test("one modifier more is another combination", () => {
  expect(isPressed(press("ArrowUp", { alt: true }), "Alt+ArrowUp")).toBe(true);
  expect(isPressed(press("ArrowUp", { alt: true, shift: true }), "Alt+ArrowUp")).toBe(false);
  expect(isPressed(press("ArrowUp", { alt: true, shift: true }), "Alt+Shift+ArrowUp")).toBe(true);
});

test("a sign may need Shift", () => {
  expect(isPressed(press("?", { shift: true }), "?")).toBe(true);
  expect(isPressed(press("?"), "?")).toBe(true);
});

test("keys are named as the machine names them", () => {
  expect(keysOf("Mod+K", false)).toEqual(["Ctrl", "K"]);
  expect(keysOf("Alt+Shift+ArrowUp", true)).toEqual(["⌥", "⇧", "↑"]);
});
