"""What the stores of the user service share: how they begin and end, and tell of failures."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import structlog
from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError, WTimeoutError

from chatterroom.core.cancellation import calls_ended, uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["IndexedStore", "SiblingStore", "translated"]

log = structlog.get_logger()

_RETRY_AFTER_S = 1.0


@contextmanager
def translated() -> Iterator[None]:
    """Raise STORAGE_UNAVAILABLE where MongoDB is away."""
    try:
        yield
    except PyMongoError as error:
        away = isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError)
        if not away and not error.timeout:
            raise
        log.warning("storage_unavailable", reason=type(error).__name__)
        raise ChatterRoomError(
            ErrorCode.STORAGE_UNAVAILABLE,
            "accounts cannot be read or changed at the moment; try again",
            retry_after_s=_RETRY_AFTER_S,
        ) from None


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
        """Say whether the indexes exist; never raises."""
        try:
            await self._prepare()
        except ChatterRoomError:
            return False
        return True

    async def _create_indexes(self) -> None:
        raise NotImplementedError

    async def _prepare(self) -> None:
        if self._prepared:
            return
        async with self._preparing:
            with translated():
                await self._create_indexes()
            self._prepared = True
