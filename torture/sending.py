"""Sending over HTTP or a session, until answered; every attempt is taken down."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chatterroom.client import ApiError, ClientError
from chatterroom.core.ids import ConversationId, message_id
from torture.people import Target
from torture.records import Action, Recorder, Send

__all__ = ["PASSING", "Draft", "is_refusal", "send_until_answered"]

PASSING = frozenset(
    {
        "internal",
        "overloaded",
        "rate_limited",
        "request_timed_out",
        "service_unavailable",
        "storage_unavailable",
        "token_expired",
        "token_invalid",
        "unreadable_answer",
    }
)
"""Refusals that say nothing about the command."""
_RETRY_S = (0.05, 0.4)


@dataclass(frozen=True)
class Draft:
    """A message on its way, or a change of the message at `message_seq`."""

    user: str
    target: Target
    client_id: str
    message: str
    """The text; of a reaction, the emoji."""
    action: Action = "message"
    message_seq: int = 0

    def write(self, recorder: Recorder, event: str, **more: object) -> None:
        """Take down an attempt or its outcome."""
        recorder.write(
            Send,
            event=event,
            user=self.user,
            conversation=self.target.conversation,
            client_id=self.client_id,
            message=self.message,
            action=self.action,
            target=self.message_seq,
            **more,
        )

    def command(self) -> tuple[str, dict[str, Any]]:
        """Return the type and the fields of the command that asks for it over a socket."""
        target = self.target
        if self.action == "message":
            to = {"room_id": target.room_id, "receiver_id": target.receiver_id}
            where = {name: id_ for name, id_ in to.items() if id_}
            return "send", {"client_id": self.client_id, "message": self.message, **where}
        about = message_id(ConversationId(target.conversation), self.message_seq)
        fields: dict[str, Any] = {"client_id": self.client_id, "message_id": about}
        match self.action:
            case "message_edited":
                return "edit", {**fields, "message": self.message}
            case "message_deleted":
                return "delete", fields
            case _:
                remove = self.action == "reaction_removed"
                return "react", {**fields, "emoji": self.message, "remove": remove}


async def send_until_answered(
    draft: Draft, recorder: Recorder, attempt: Callable[[Draft], Awaitable[tuple[str, int]]]
) -> int | None:
    """Return the seq of what was asked for, or None where it was refused.

    An `attempt` returns the id and the seq.
    """
    while True:
        draft.write(recorder, "invoke")
        try:
            id_, seq = await attempt(draft)
        except ClientError as error:
            if is_refusal(error):
                draft.write(recorder, "fail")
                return None
            draft.write(recorder, "info")
            await asyncio.sleep(random.uniform(*_RETRY_S))
            continue
        draft.write(recorder, "ok", id=id_, seq=seq)
        return seq


def is_refusal(error: ClientError) -> bool:
    """Say whether what was asked for has not happened and will not."""
    if not isinstance(error, ApiError):
        return False
    return error.code not in PASSING and (error.status is None or error.status < 500)
