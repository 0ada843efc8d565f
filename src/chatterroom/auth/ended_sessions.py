"""Which sessions have been ended while access tokens of theirs may still be out. No I/O."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chatterroom.core.ids import SessionId, UserId

__all__ = ["EndedSession", "EndedSessions"]

MAX_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that its user, or a stolen refresh token, has ended."""

    session_id: SessionId
    user_id: UserId
    forget_at: float
    """Seconds since 1970: from then on its last access token has expired."""


class EndedSessions:
    """Remembers ends until `forget_at`; beyond `MAX_REMEMBERED` the earliest are forgotten.

    `is_complete` becomes true once every session that had ended before is remembered, and stays
    so: in an outage later, what is known stays known.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # In the order in which they were heard of, so that the first go first.
        self._ended: dict[SessionId, EndedSession] = {}
        self.is_complete = False

    def __contains__(self, session_id: SessionId) -> bool:
        """Say whether a session has been ended."""
        return session_id in self._ended

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._ended)

    def add(self, session: EndedSession) -> bool:
        """Remember an end; return whether it is news."""
        self._forget()
        if len(self._ended) >= MAX_REMEMBERED:
            del self._ended[next(iter(self._ended))]
        if session.session_id in self._ended or session.forget_at <= self._clock():
            return False
        self._ended[session.session_id] = session
        return True

    def complete(self) -> None:
        """Note that no end is missing."""
        self.is_complete = True

    def remembered(self) -> list[EndedSession]:
        """Return all that are still of interest, in the order in which they were added."""
        self._forget()
        return list(self._ended.values())

    def _forget(self) -> None:
        now = self._clock()
        while self._ended:
            first = next(iter(self._ended.values()))
            if first.forget_at > now:
                return
            del self._ended[first.session_id]
