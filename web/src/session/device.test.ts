import { expect, test } from "vitest";
import { isHandheld, sayDevice } from "./device";

const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

test("a browser is named, not those that it descends from", () => {
  expect(sayDevice(`${WINDOWS} ${CHROME}`)).toBe("Chrome on Windows");
  expect(sayDevice(`${WINDOWS} ${CHROME} Edg/142.0.0.0`)).toBe("Edge on Windows");
  expect(sayDevice("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")).toBe(
    "Firefox on Linux",
  );
});

test("a telephone is named before its system", () => {
  const agent =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 " +
    "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
  expect(sayDevice(agent)).toBe("Safari on iPhone");
  expect(isHandheld(agent)).toBe(true);
  expect(sayDevice(`Mozilla/5.0 (Linux; Android 16; Pixel) ${CHROME}`)).toBe("Chrome on Android");
});

test("what is not understood is shown as it is, but not at any length", () => {
  expect(sayDevice("kiosk/1")).toBe("kiosk/1");
  expect(sayDevice("x".repeat(300))).toBe(`${"x".repeat(40)}…`);
  expect(sayDevice(" ")).toBe("Unknown device");
});
