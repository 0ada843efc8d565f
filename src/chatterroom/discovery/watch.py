"""The list of running instances as this process last saw it, and who waits for the next."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import structlog

from chatterroom.background import keep_running
from chatterroom.discovery.registry import Entry
from chatterroom.discovery.store_redis import RegistryStore

__all__ = ["Watch"]

log = structlog.get_logger()

_POLL_S = 0.5
# Watchers take a longer silence for a dead connection (rpc/directory.py).
_REPEAT_S = 4.0


class Watch:
    """Follows the registry once for all watchers.

    While the registry is away the last list stays: what was running is probably still running.
    """

    def __init__(self, store: RegistryStore) -> None:
        self._store = store
        self._entries: Sequence[Entry] = ()
        self._version = 0
        self._closed = False
        self._changed = asyncio.Condition()

    @property
    def entries(self) -> Sequence[Entry]:
        """The last list, empty until the first is known."""
        return self._entries

    async def follow(self) -> None:
        """Keep the list up to date until cancelled."""
        await keep_running("registry", self._follow)

    async def _follow(self) -> None:
        async with aclosing(self._store.watch(_POLL_S)) as lists:
            async for entries in lists:
                await self._take_over(entries)

    async def lists(self) -> AsyncIterator[Sequence[Entry]]:
        """Yield the list once it is known, on every change, and again after some silence.

        Ends when the watch is closed. Changes that follow fast upon each other come as one.
        """
        seen = 0
        while not self._closed:
            if self._version:
                seen = self._version
                yield self._entries
            await self._wait_beyond(seen)

    async def close(self) -> None:
        """End all iterations of `lists`."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def _wait_beyond(self, seen: int) -> None:
        async with self._changed:
            try:
                async with asyncio.timeout(_REPEAT_S):
                    await self._changed.wait_for(lambda: self._closed or self._version != seen)
            except TimeoutError:
                return

    async def _take_over(self, entries: Sequence[Entry]) -> None:
        if self._version and entries == self._entries:
            return
        log.info("instances_changed", before=len(self._entries), now=len(entries))
        async with self._changed:
            self._entries = entries
            self._version += 1
            self._changed.notify_all()
