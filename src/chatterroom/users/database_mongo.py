"""What the stores of the user service share: how they begin and end."""

import asyncio
from typing import Self

from chatterroom.core.cancellation import calls_ended, uncancelled
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.storage.availability_mongo import available

__all__ = ["IndexedStore", "SiblingStore"]


class SiblingStore:
    """A store in a database that another one has opened, and closes after it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await calls_ended(self)


@uncancelled
class IndexedStore(SiblingStore):
    """A sibling that needs indexes before it is written to."""

    def __init__(self) -> None:
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def is_ready(self) -> bool:
        """Say whether the indexes exist, and create them. Raises bugs only."""
        try:
            await self._prepare()
        except StorageUnavailableError:
            return False
        return True

    async def _create_indexes(self) -> None:
        raise NotImplementedError

    async def _prepare(self) -> None:
        if self._prepared:
            return
        async with self._preparing:
            with available():
                await self._create_indexes()
            self._prepared = True
