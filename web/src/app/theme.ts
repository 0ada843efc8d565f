// Light or dark: one's preference on all devices, kept here for the next beginning (`theme.js`). And
// how much fits a screen: a choice for this browser.

import { useEffect } from "react";
import type { Theme } from "../session/account";
import { keepIfPossible } from "../store/outgoing";
import { useAccount, useCell } from "./account_hooks";
import { useClient } from "./session";

const KEY = "chatterroom.theme";

export function keptTheme(): Theme {
  return asTheme(localStorage.getItem(KEY));
}

/** Show a theme from now on. */
export function showTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset["theme"];
  } else {
    keepIfPossible(localStorage, KEY, theme);
    document.documentElement.dataset["theme"] = theme;
  }
}

/** Show what was chosen on another device. */
export function useThemePreference(): void {
  const account = useAccount();
  const preferred = account === null ? null : account.preferences.theme;
  useEffect(() => {
    if (preferred !== null) showTheme(asTheme(preferred));
  }, [preferred]);
}

/** Show as much on a screen as was chosen for this browser. */
export function useDensity(): void {
  const { density } = useCell(useClient().device.held);
  useEffect(() => {
    document.documentElement.dataset["density"] = density;
    return () => {
      delete document.documentElement.dataset["density"];
    };
  }, [density]);
}

function asTheme(value: unknown): Theme {
  return value === "light" || value === "dark" ? value : "system";
}
