// Who may reach one without being accepted first.

import { useEffect, useState } from "react";
import { useClient } from "../../app/session";
import type { ContactSettings, WhoMay } from "../../client/requests";
import { sayError } from "../../session/errors";
import { Outcome } from "./Outcome";
import { useAction } from "./useAction";
import styles from "./Page.module.css";

const CHOICES: readonly (readonly [WhoMay, string, string])[] = [
  ["everyone", "Everyone", "No one has to ask."],
  ["shared", "People I share a conversation with", "People in your rooms and in chats you accepted. Others have to ask."],
  ["nobody", "No one", "All requests wait for you to accept or decline."],
];

export function PrivacyPage() {
  const { requests } = useClient();
  const [settings, setSettings] = useState<ContactSettings | null>(null);
  const [error, setError] = useState<unknown>(null);
  const action = useAction();
  useEffect(() => {
    let isCurrent = true;
    requests.settings().then(
      (found) => isCurrent && setSettings(found),
      (problem: unknown) => isCurrent && setError(problem),
    );
    return () => {
      isCurrent = false;
    };
  }, [requests]);
  const choose = (changes: Partial<ContactSettings>) => {
    if (settings === null) return;
    setSettings({ ...settings, ...changes });
    void action.run(async () => {
      try {
        setSettings(await requests.changeSettings(changes));
      } catch (problem) {
        setSettings(settings);
        throw problem;
      }
    });
  };
  if (error !== null) {
    return (
      <p className={styles["problem"]} role="alert">
        {sayError(error)}
      </p>
    );
  }
  return (
    <div className={styles["part"]}>
      <p className={styles["lead"]}>
        Messages and invitations from people who have to ask wait under Requests until you
        accept. They won't be notified if you decline.
      </p>
      <Choice
        title="Who can message me first"
        name="message_first"
        chosen={settings?.message_first ?? null}
        onChoose={(chosen) => choose({ message_first: chosen })}
      />
      <Choice
        title="Who can add me to rooms"
        name="add_to_rooms"
        chosen={settings?.add_to_rooms ?? null}
        onChoose={(chosen) => choose({ add_to_rooms: chosen })}
      />
      <Outcome action={action} done="Saved." />
    </div>
  );
}

interface ChoiceProps {
  title: string;
  name: string;
  /** Null until it has been read. */
  chosen: WhoMay | null;
  onChoose: (chosen: WhoMay) => void;
}

function Choice({ title, name, chosen, onChoose }: ChoiceProps) {
  return (
    <fieldset className={styles["radios"]} disabled={chosen === null}>
      <legend>{title}</legend>
      {CHOICES.map(([value, label, meaning]) => (
        <label key={value} className={styles["switch"]}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={chosen === value}
            onChange={() => onChoose(value)}
          />
          <span>
            {label}
            <small>{meaning}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
