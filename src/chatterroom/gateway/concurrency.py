"""How many requests are worked on at a time, and what happens to the others."""

import asyncio
from collections import deque

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["Gate"]


class Gate:
    """Lets `limit` requests in at a time: `async with gate:`.

    The next `max_waiters` wait their turn, first come first served, each for `wait_s` at most.
    All others, and those who waited in vain, get OVERLOADED.
    """

    def __init__(self, name: str, limit: int, wait_s: float, max_waiters: int) -> None:
        self._name = name
        self._free = limit
        self._wait_s = wait_s
        self._max_waiters = max_waiters
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
        else:
            await self._wait()

    async def __aexit__(self, *failure: object) -> None:
        self._leave()

    def _leave(self) -> None:
        # A place goes straight to who has waited longest, so nobody can slip in before.
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    async def _wait(self) -> None:
        if len(self._waiting) >= self._max_waiters:
            raise self._overloaded()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        entered = False
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
            entered = True
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            if not entered:
                self._give_up(turn)

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():
            # The turn came at the very moment of leaving.
            self._leave()

    def _overloaded(self) -> ChatterRoomError:
        return ChatterRoomError(
            ErrorCode.OVERLOADED,
            "Too many requests at the same time. Try again in a moment.",
            retry_after_s=1.0,
            limit=self._name,
        )
