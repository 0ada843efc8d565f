"""Small collections that every instance holds in memory, kept up by reading what has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Generic, TypeVar

from chatterroom.background import isolated, keep_running
from chatterroom.core.errors import StorageUnavailableError

__all__ = ["Changes"]

REFRESH_S = 0.4

Row = TypeVar("Row")


class Changes(Generic[Row]):
    """Reads rows and hands each to `note`, which returns when it was stored.

    `read` gets the newest of these moments, or None for everything. Rows may come repeatedly.
    """

    def __init__(
        self,
        what: str,
        read: Callable[[datetime | None], Awaitable[Iterable[Row]]],
        note: Callable[[Row], datetime],
    ) -> None:
        self._what = what
        self._read = read
        self._note = note
        self._newest: datetime | None = None
        # How often a read was asked for, and how many of these a finished one was for.
        self._asked = 0
        self._answered = 0
        self.loaded = False
        """Whether all of it has been read once."""
        self.turn = asyncio.Lock()
        """Held by whoever reads, and by whoever writes and notes it here: else a read that began
        before the write could end after it, and bring back what was before."""

    def require_loaded(self) -> None:
        """Raise `StorageUnavailableError` before everything has been read once."""
        if not self.loaded:
            raise StorageUnavailableError(f"the {self._what} have not been read yet")

    async def refresh(self) -> None:
        """Read what has changed; raises `StorageUnavailableError`.

        Those who ask while others read share the read that follows.
        """
        self._asked += 1
        mine = self._asked
        async with self.turn:
            if self._answered >= mine:
                return
            asked = self._asked
            for row in await self._read(self._newest):
                with isolated(self._what):
                    stored_at = self._note(row)
                    self._newest = max(self._newest or stored_at, stored_at)
            self.loaded = True
            self._answered = asked

    async def run(self) -> None:
        """Follow what is stored until cancelled."""
        await keep_running(self._what, self.refresh, REFRESH_S)
