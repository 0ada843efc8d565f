// Makes a room of a name and some people.

import { useId, useRef, useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { nameOf } from "../../app/names";
import { pathOf, roomPlace } from "../../app/routes";
import { useClient } from "../../app/session";
import { newClientId, type RoomId } from "../../protocol/ids";
import { ApiError, sayError } from "../../session/errors";
import type { UserSummary } from "../../session/api";
import { Banner } from "../../ui/Banner";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { MembersPicker } from "./MembersPicker";
import styles from "./NewRoom.module.css";

const MOST_CHARACTERS = 128;
const LIST = new Intl.ListFormat("en", { type: "conjunction" });

export default function NewRoom({ onClose }: { onClose: () => void }) {
  const { api } = useClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState("");
  const [members, setMembers] = useState<readonly UserSummary[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [nameProblem, setNameProblem] = useState<string | null>(null);
  // The same room, tried again after a lost answer, is made once.
  const attempt = useRef({ what: "", clientId: "" });
  const form = useId();
  const [made, setMade] = useState<{ roomId: RoomId; asked: readonly string[] } | null>(null);

  const open = (id: RoomId) => {
    onClose();
    navigate(pathOf(roomPlace(id)));
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    if (wanted === "") return setNameProblem("Enter a room name.");
    const ids = members.map((member) => member.user_id);
    const what = JSON.stringify([wanted, ids]);
    if (attempt.current.what !== what) attempt.current = { what, clientId: newClientId() };
    setBusy(true);
    setError(null);
    try {
      const created = await api.createRoom(wanted, ids, attempt.current.clientId);
      const invited = new Set(created.invited_ids);
      if (invited.size > 0) {
        const asked = members.filter(({ user_id: id }) => invited.has(id)).map(nameOf);
        return setMade({ roomId: created.room_id, asked });
      }
      open(created.room_id);
    } catch (problem) {
      const field = problem instanceof ApiError ? problem.data["field"] : null;
      if (field === "room_name") setNameProblem(sayError(problem));
      else setError(problem);
      setBusy(false);
    }
  };
  if (made !== null) {
    return (
      <Dialog
        title="Room created"
        onClose={() => open(made.roomId)}
        actions={
          <Button kind="primary" onClick={() => open(made.roomId)}>
            Open room
          </Button>
        }
      >
        <p role="status">
          {LIST.format(made.asked)} {made.asked.length === 1 ? "was" : "were"} invited and will
          join when they accept.
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Create a room"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form={form} disabled={isBusy}>
            {isBusy ? "Creating…" : "Create room"}
          </Button>
        </>
      }
    >
      <form id={form} className={styles["form"]} onSubmit={submit} noValidate>
        <Field
          label="Name"
          placeholder="For example: Kitchen"
          autoComplete="off"
          required
          maxLength={MOST_CHARACTERS}
          value={name}
          problem={nameProblem}
          onChange={(event) => {
            setName(event.target.value);
            setNameProblem(null);
          }}
        />
        <MembersPicker members={members} onChange={setMembers} />
        <div role="alert">
          {error !== null && <Banner kind="danger">{sayError(error)}</Banner>}
        </div>
      </form>
    </Dialog>
  );
}
