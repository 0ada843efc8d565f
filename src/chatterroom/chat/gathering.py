"""Reads of many callers, gathered into few. Knows nothing of what is read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from chatterroom.background import each_apart

__all__ = ["GatheredReads"]

Key = TypeVar("Key")
Found = TypeVar("Found")


class GatheredReads(Generic[Key, Found]):
    """Answers all who ask while a read is under way with the next one.

    Every answer is of a read that began after it was asked for. One read at a time, for no more
    askers than bring it to `enough` keys. If it fails, so do those whom it was for; if a bug fails
    it, only those whose keys cannot be read alone. Askers must not be cancelled: others wait for
    what they read.
    """

    def __init__(
        self, read: Callable[[list[Key]], Awaitable[Mapping[Key, Found]]], enough: int
    ) -> None:
        self._read = read
        self._enough = enough
        self._one_at_a_time = asyncio.Lock()
        self._waiting: list[_Group[Key, Found]] = []

    async def of(self, keys: Iterable[Key]) -> Mapping[Key, Found]:
        """Return what was found for these keys, among others."""
        if not self._waiting or len(self._waiting[-1].keys) >= self._enough:
            self._waiting.append(_Group())
        group = self._waiting[-1]
        asked = set(keys)
        group.keys.update(asked)
        async with self._one_at_a_time:
            if group in self._waiting:
                await self._answer(group)
        if group.failure is not None:
            raise group.failure
        for key in asked & group.failures.keys():
            raise group.failures[key]
        return group.found

    async def _answer(self, group: "_Group[Key, Found]") -> None:
        self._waiting.remove(group)
        found: dict[Key, Found] = {}

        async def read(keys: Sequence[Key]) -> None:
            found.update(await self._read(list(keys)))

        try:
            group.failures = dict(await each_apart(list(group.keys), read))
        except Exception as error:  # noqa: BLE001 -- raised by every caller
            group.failure = error
        group.found = found


class _Group(Generic[Key, Found]):
    """Those who are answered together."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.found: Mapping[Key, Found] = {}
        self.failure: Exception | None = None
        self.failures: dict[Key, Exception] = {}
