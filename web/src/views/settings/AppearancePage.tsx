// Light, dark, or as the system is.

import { useState } from "react";
import { useCell } from "../../app/account_hooks";
import { keptTheme, showTheme } from "../../app/theme";
import { useClient } from "../../app/session";
import type { Theme } from "../../session/account";
import { Outcome } from "./Outcome";
import { useAction } from "./useAction";
import styles from "./Page.module.css";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function AppearancePage() {
  const { preferences, device } = useClient();
  const { density } = useCell(device.held);
  const [theme, setTheme] = useState(keptTheme);
  const action = useAction();
  const choose = (chosen: Theme) => {
    setTheme(chosen);
    showTheme(chosen);
    void action.run(() => preferences.change("theme", () => chosen));
  };
  return (
    <>
      <fieldset className={styles["choices"]}>
        <legend className="visually-hidden">Theme</legend>
        {THEMES.map(([value, name]) => (
          <label key={value} className={styles["choice"]}>
            <i className={styles["sample"]} data-theme={value} aria-hidden />
            <span>
              <input
                type="radio"
                name="theme"
                value={value}
                checked={theme === value}
                onChange={() => choose(value)}
              />
              {name}
            </span>
          </label>
        ))}
      </fieldset>
      <Outcome action={action} done="Saved on all your devices." />
      <label className={styles["switch"]}>
        <input
          type="checkbox"
          role="switch"
          checked={density === "compact"}
          onChange={(event) => device.change({ density: event.target.checked ? "compact" : "comfortable" })}
        />
        <span>
          Compact
          <small>Fit more on the screen in this browser.</small>
        </span>
      </label>
    </>
  );
}
