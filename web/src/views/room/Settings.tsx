import { useId } from "react";
import { useClient } from "../../app/session";
import type { RoomSettings } from "../../protocol/events";
import type { RoomId } from "../../protocol/ids";
import { Problem } from "./Problem";
import { useAction } from "./useAction";
import styles from "./RoomPanel.module.css";

const WHO = [
  ["members", "All members"],
  ["admins", "Admins only"],
] as const;

const SETTINGS: readonly (readonly [
  key: keyof RoomSettings,
  label: string,
  values: readonly (readonly [value: string, label: string])[],
])[] = [
  ["posting", "Who can post messages", WHO],
  ["adding", "Who can add people", WHO],
  [
    "history",
    "What new members can read",
    [
      ["everything", "Everything"],
      ["since_joining", "From when they join"],
    ],
  ],
];

interface Props {
  roomId: RoomId;
  settings: RoomSettings;
  mayChange: boolean;
}

/** Shows what the room has told, never what was only asked for. */
export function Settings({ roomId, settings, mayChange }: Props) {
  const client = useClient();
  const id = useId();
  const { isBusy, problem, run } = useAction();
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      <h3 id={id}>Permissions</h3>
      <dl className={styles["settings"]}>
        {SETTINGS.map(([key, label, values]) => (
          <div key={key}>
            <dt id={`${id}-${key}`}>{label}</dt>
            <dd>
              {mayChange ? (
                <select
                  aria-labelledby={`${id}-${key}`}
                  value={settings[key]}
                  aria-busy={isBusy}
                  onChange={(event) => {
                    const change = { [key]: event.target.value } as Partial<RoomSettings>;
                    void run(() => client.changeSettings(roomId, change));
                  }}
                >
                  {values.map(([value, text]) => (
                    <option key={value} value={value}>
                      {text}
                    </option>
                  ))}
                </select>
              ) : (
                values.find(([value]) => value === settings[key])?.[1]
              )}
            </dd>
          </div>
        ))}
      </dl>
      <Problem text={problem} />
    </section>
  );
}
