// Who one is to others.

import { useRef, useState, type ChangeEvent, type FormEvent } from "react";
import { useAccount } from "../../app/account_hooks";
import { useClient } from "../../app/session";
import type { Account } from "../../session/account";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { CODE_FIELDS, CodeField, codeOf } from "./CodeField";
import { Outcome } from "./Outcome";
import { asPicture } from "./picture";
import { useAction } from "./useAction";
import { Waiting } from "./Waiting";
import styles from "./Page.module.css";

export function ProfilePage() {
  const account = useAccount();
  if (account === null) return <Waiting />;
  return (
    <>
      <p className={styles["lead"]}>This is how others see you.</p>
      <Picture account={account} />
      <Names account={account} />
      <dl className={styles["facts"]}>
        <dt>Email</dt>
        <dd>{account.email}</dd>
      </dl>
    </>
  );
}

function Picture({ account }: { account: Account }) {
  const own = useClient().account;
  const input = useRef<HTMLInputElement>(null);
  const [isUnreadable, setUnreadable] = useState(false);
  const action = useAction();

  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    // So that the same file can be chosen again.
    event.target.value = "";
    if (file === undefined) return;
    void action.run(async () => {
      const avatar = await asPicture(file);
      setUnreadable(avatar === null);
      if (avatar !== null) await own.change({ avatar });
    });
  };
  const remove = () => void action.run(() => own.change({ avatar: "" }));
  return (
    <div className={styles["part"]}>
      <div className={styles["picture"]}>
        <Avatar
          id={account.user_id}
          name={account.display_name || account.username}
          url={account.avatar_url}
          size="large"
        />
        <div className={styles["actions"]}>
          <input
            ref={input}
            type="file"
            accept="image/*"
            hidden
            onChange={choose}
            aria-label="Picture file"
          />
          <Button disabled={action.isBusy} onClick={() => input.current?.click()}>
            {account.avatar_url === "" ? "Choose picture" : "Change picture"}
          </Button>
          {account.avatar_url !== "" && (
            <Button kind="quiet" disabled={action.isBusy} onClick={remove}>
              Remove
            </Button>
          )}
        </div>
      </div>
      {isUnreadable && !action.isBusy ? (
        <p className={styles["problem"]} role="alert">
          This browser can't open that file as a picture. Choose another file.
        </p>
      ) : (
        <Outcome action={action} done="Picture saved." />
      )}
    </div>
  );
}

const FIELDS = {
  username_taken: "username",
  invalid_username: "username",
  "field:username": "username",
  "field:display_name": "display_name",
  ...CODE_FIELDS,
};

function Names({ account }: { account: Account }) {
  const own = useClient().account;
  const action = useAction(FIELDS);
  const [displayName, setDisplayName] = useState(account.display_name);
  const [username, setUsername] = useState(account.username);
  const isSame = displayName.trim() === account.display_name && username === account.username;
  const needsCode = account.second_factor && username !== account.username;

  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const display_name = displayName.trim();
    const code = codeOf(new FormData(event.currentTarget));
    void action.run(() =>
      own.change({
        ...(display_name === account.display_name ? {} : { display_name }),
        ...(username === account.username ? {} : { username }),
        ...(code === "" ? {} : { code }),
      }),
    );
  };
  return (
    <form className={styles["form"]} onSubmit={save}>
      <Field
        label="Display name"
        value={displayName}
        onChange={(event) => setDisplayName(event.target.value)}
        autoComplete="name"
        maxLength={64}
        hint="Shown instead of your username. Optional."
        problem={action.problemOf("display_name")}
      />
      <Field
        label="Username"
        value={username}
        onChange={(event) => setUsername(event.target.value)}
        autoComplete="username"
        required
        minLength={2}
        maxLength={32}
        hint="People use this to find and @mention you. If you change it, someone else can take the old one."
        problem={action.problemOf("username")}
      />
      {needsCode && <CodeField action={action} />}
      <div className={styles["actions"]}>
        <Button kind="primary" type="submit" disabled={action.isBusy || isSame}>
          Save
        </Button>
        <Outcome action={action} done="Saved." />
      </div>
    </form>
  );
}
