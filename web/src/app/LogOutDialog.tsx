// Asked before a logout throws away what was written and not sent.

import type { Unsent } from "../client/chat_client";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";

interface Props {
  unsent: Unsent;
  onClose: () => void;
  onLogOut: () => void;
}

export default function LogOutDialog({ unsent, onClose, onLogOut }: Props) {
  return (
    <Dialog
      title="Log out?"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" onClick={onLogOut}>
            Delete and log out
          </Button>
        </>
      }
    >
      <p>
        You have {wordsOf(unsent)} in this browser. Logging out deletes{" "}
        {unsent.drafts + unsent.messages === 1 ? "it" : "them"}.
      </p>
    </Dialog>
  );
}

function wordsOf({ drafts, messages }: Unsent): string {
  const parts = [
    drafts > 0 && (drafts === 1 ? "a draft" : `${drafts} drafts`),
    messages > 0 && (messages === 1 ? "an unsent message" : `${messages} unsent messages`),
  ];
  return parts.filter(Boolean).join(" and ");
}
