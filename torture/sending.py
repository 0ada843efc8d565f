"""Sending over HTTP or a session, until answered; every attempt is taken down."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatterroom.client import Ack, ApiError, ClientError
from torture.people import Target
from torture.records import Recorder, Send

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
    """A message on its way."""

    user: str
    target: Target
    client_id: str
    message: str

    def write(self, recorder: Recorder, event: str, **more: object) -> None:
        """Take down an attempt or its outcome."""
        recorder.write(
            Send,
            event=event,
            user=self.user,
            conversation=self.target.conversation,
            client_id=self.client_id,
            message=self.message,
            **more,
        )


async def send_until_answered(
    draft: Draft, recorder: Recorder, attempt: Callable[[Draft], Awaitable[Ack]]
) -> Ack | None:
    """Return the acknowledgement, or None where it was refused."""
    while True:
        draft.write(recorder, "invoke")
        try:
            ack = await attempt(draft)
        except ClientError as error:
            if is_refusal(error):
                draft.write(recorder, "fail")
                return None
            draft.write(recorder, "info")
            await asyncio.sleep(random.uniform(*_RETRY_S))
            continue
        draft.write(recorder, "ok", id=ack.id, seq=ack.seq)
        return ack


def is_refusal(error: ClientError) -> bool:
    """Say whether what was asked for has not happened and will not."""
    if not isinstance(error, ApiError):
        return False
    return error.code not in PASSING and (error.status is None or error.status < 500)
