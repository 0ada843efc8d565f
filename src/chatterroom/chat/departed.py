"""Whose account is gone: held in memory by every instance, the store being what is true.

Asked for at every private message, as blocks are (see blocks.py), and told in the same way.
"""

import asyncio
from datetime import datetime
from typing import NamedTuple, Protocol

import structlog

from chatterroom.chat.log import StorageUnavailableError
from chatterroom.chat.people import no_such_user
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import UserId

__all__ = ["Departed", "DepartedStore", "Departure"]

log = structlog.get_logger()

REFRESH_S = 0.4


class Departure(NamedTuple):
    """That a user's account is gone, and since when that is stored."""

    user_id: UserId
    stored_at: datetime


class DepartedStore(Protocol):
    """Where departures are kept. All methods raise `StorageUnavailableError`."""

    async def add(self, user_id: UserId) -> None:
        """Store a departure; on the disks of a majority when it returns. May be repeated."""

    async def stored(self, since: datetime | None) -> list[Departure]:
        """Return what was stored since a moment and a few seconds before it, or all."""


class Departed:
    """Knows the users whose accounts are gone. Nobody comes back."""

    def __init__(self, store: DepartedStore) -> None:
        self._store = store
        self._users: set[UserId] = set()
        self._newest: datetime | None = None
        self.loaded = False
        """Whether the departures have been read for the first time."""

    def require_present(self, user_id: UserId) -> None:
        """Raise USER_NOT_FOUND for a user whose account is gone.

        Raises `StorageUnavailableError` before the departures have been read for the first time.
        """
        if not self.loaded:
            raise StorageUnavailableError("the departures have not been read yet")
        if user_id in self._users:
            raise no_such_user(user_id)

    async def add(self, user_id: UserId) -> None:
        """Store that a user's account is gone; repeating it changes nothing."""
        await self._store.add(user_id)
        self._users.add(user_id)

    async def run(self) -> None:
        """Follow what is stored until cancelled."""
        while True:
            raise_if_cancelled()
            try:
                await self._refresh()
            except StorageUnavailableError as error:
                log.warning("departures_not_read", reason=error.reason)
            await asyncio.sleep(REFRESH_S)

    async def _refresh(self) -> None:
        for departure in await self._store.stored(self._newest):
            self._users.add(departure.user_id)
            self._newest = max(self._newest or departure.stored_at, departure.stored_at)
        self.loaded = True
