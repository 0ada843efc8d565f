"""Which sessions have been used since the user service was told. No I/O."""

import time
from collections.abc import Callable

from chatterroom.core.ids import SessionId

__all__ = ["LastSeen"]

_AGAIN_S = 60.0
MAX_NOTED = 10_000
MAX_REMEMBERED = 100_000


class LastSeen:
    """Notes sessions, each once a minute; beyond `MAX_NOTED` that wait, the others are left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: set[SessionId] = set()
        self._told_at: dict[SessionId, float] = {}

    def note(self, session_id: SessionId) -> None:
        """Take note that a session is used now."""
        if session_id not in self._told_at and len(self._noted) < MAX_NOTED:
            self._noted.add(session_id)

    def take(self) -> list[SessionId]:
        """Return what is to be told now, and forget it."""
        now = self._clock()
        self._forget(now)
        taken = list(self._noted)
        self._noted.clear()
        self._told_at.update(dict.fromkeys(taken, now))
        return taken

    def _forget(self, now: float) -> None:
        while self._told_at:
            first = next(iter(self._told_at))
            if self._told_at[first] + _AGAIN_S > now and len(self._told_at) < MAX_REMEMBERED:
                return
            del self._told_at[first]
