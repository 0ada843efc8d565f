"""Whose account is gone: held in memory by every instance, the store being what is true.

Asked for at every private message, as blocks are (see blocks.py), and told in the same way.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from chatterroom.chat.changes import Changes
from chatterroom.chat.people import no_such_user
from chatterroom.core.ids import UserId

__all__ = ["Departed", "DepartedStore", "Departure"]


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

    def __init__(
        self, store: DepartedStore, noted: Callable[[UserId], None] = lambda user_id: None
    ) -> None:
        """`noted` is called with each user once, as soon as this instance knows."""
        self._store = store
        self._noted = noted
        self._users: set[UserId] = set()
        self._changes = Changes("departures", store.stored, self._note)

    @property
    def loaded(self) -> bool:
        """Whether the departures have been read for the first time."""
        return self._changes.loaded

    def require_present(self, user_id: UserId) -> None:
        """Raise USER_NOT_FOUND for a user whose account is gone.

        Raises `StorageUnavailableError` before the departures have been read for the first time.
        """
        self._changes.require_loaded()
        if user_id in self._users:
            raise no_such_user(user_id)

    def includes(self, user_id: UserId) -> bool:
        """Say whether a user's account is known to be gone."""
        return user_id in self._users

    async def add(self, user_id: UserId) -> None:
        """Store that a user's account is gone; repeating it changes nothing."""
        await self._store.add(user_id)
        self._add(user_id)

    async def run(self) -> None:
        """Follow what is stored until cancelled."""
        await self._changes.run()

    def _note(self, departure: Departure) -> datetime:
        self._add(departure.user_id)
        return departure.stored_at

    def _add(self, user_id: UserId) -> None:
        if user_id not in self._users:
            self._users.add(user_id)
            self._noted(user_id)
