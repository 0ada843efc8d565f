"""How many requests are worked on at a time, and what happens to the others."""

import asyncio

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["Gate"]


class Gate:
    """Lets `limit` requests in at a time: `async with gate:`.

    The next `max_waiters` wait their turn, first come first served, each for `wait_s` at most.
    All others, and those who waited in vain, get OVERLOADED.
    """

    def __init__(self, name: str, limit: int, wait_s: float, max_waiters: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(limit)
        self._wait_s = wait_s
        self._max_waiters = max_waiters
        self._waiters = 0

    async def __aenter__(self) -> None:
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()

    async def __aexit__(self, *failure: object) -> None:
        self._free.release()

    async def _wait(self) -> None:
        if self._waiters >= self._max_waiters:
            raise self._overloaded()
        self._waiters += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            self._waiters -= 1

    def _overloaded(self) -> ChatterRoomError:
        return ChatterRoomError(
            ErrorCode.OVERLOADED,
            "too many requests are under way; try again in a moment",
            retry_after_s=1.0,
            limit=self._name,
        )
