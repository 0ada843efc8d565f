// All keys that one may want to know.

import { keysOf, type Combination } from "../../app/shortcuts";
import { Dialog } from "../../ui/Dialog";
import styles from "./ShortcutHelp.module.css";
import { SHORTCUTS } from "./shortcut_list";

const GROUPS: readonly { title: string; keys: readonly (readonly [string, ...Combination[]])[] }[] = [
  {
    title: "Anywhere",
    keys: [
      ["Search for people and rooms", SHORTCUTS.search],
      ["Next conversation", SHORTCUTS.next],
      ["Previous conversation", SHORTCUTS.previous],
      ["Next unread conversation", SHORTCUTS.nextUnread],
      ["Previous unread conversation", SHORTCUTS.previousUnread],
      ["Show keyboard shortcuts", SHORTCUTS.help, SHORTCUTS.helpAnywhere],
    ],
  },
  {
    title: "In the conversation list",
    keys: [
      ["Move up or down", "ArrowUp", "ArrowDown"],
      ["First or last", "Home", "End"],
      ["Open", "Enter"],
      ["Close search", "Escape"],
    ],
  },
  {
    title: "In the message box",
    keys: [
      ["Send", "Enter"],
      ["New line", "Shift+Enter"],
    ],
  },
];

export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      {GROUPS.map(({ title, keys }) => (
        <section key={title} className={styles["group"]}>
          <h3>{title}</h3>
          <dl>
            {keys.map(([what, ...combinations]) => (
              <div key={what} className={styles["row"]}>
                <dt>{what}</dt>
                <dd>
                  {combinations.map((combination, at) => (
                    <span key={combination}>
                      {at > 0 && <span className={styles["or"]}> or </span>}
                      <Keys combination={combination} />
                    </span>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

function Keys({ combination }: { combination: Combination }) {
  return (
    <kbd className={styles["keys"]}>
      {keysOf(combination).map((key) => (
        <kbd key={key} className={styles["key"]}>
          {key}
        </kbd>
      ))}
    </kbd>
  );
}
