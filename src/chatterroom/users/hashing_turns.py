"""Whose password is hashed next. Nothing is hashed here.

Half of the turns are for logins while any wait, so that changes of passwords and registrations
cannot take all. Within each half everybody who asks has a queue, and the queues take turns: a
flood from one address or user waits behind itself.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["Asker", "HashingTurns"]

_WAIT_S = 1.0
_RETRY_AFTER_S = 1.0
_MAX_QUEUE = 64


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants a password hashed: an address or a user, and whether it is to log in."""

    name: str
    logs_in: bool = False


class HashingTurns:
    """Gives at most `concurrency` turns at a time: `async with turns.of(asker):`.

    Raises OVERLOADED for whoever would wait longer than a second, or behind 64 others of the same
    asker.
    """

    def __init__(self, concurrency: int) -> None:
        self._free = concurrency
        self._logins = _Queues()
        self._others = _Queues()
        self._logins_next = True

    @asynccontextmanager
    async def of(self, asker: Asker) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the length of the block."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(asker)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, asker: Asker) -> None:
        turn = asyncio.get_running_loop().create_future()
        queues = self._logins if asker.logs_in else self._others
        if not queues.add(asker.name, turn):
            raise _overloaded()
        try:
            async with asyncio.timeout(_WAIT_S):
                await turn
        except TimeoutError:
            self._give_up(queues, asker, turn)
            raise _overloaded() from None
        except asyncio.CancelledError:
            self._give_up(queues, asker, turn)
            raise

    def _give_up(self, queues: "_Queues", asker: Asker, turn: asyncio.Future[None]) -> None:
        if not queues.discard(asker.name, turn) and not turn.cancelled():
            # The turn came at the very moment of leaving.
            self._pass_on()

    def _pass_on(self) -> None:
        logins, others = self._logins, self._others
        first, second = (logins, others) if self._logins_next else (others, logins)
        turn = first.pop() or second.pop()
        if turn is None:
            self._free += 1
            return
        self._logins_next = not self._logins_next
        turn.set_result(None)


class _Queues:
    """Futures by the name of who waits; names take turns."""

    def __init__(self) -> None:
        # The name whose turn is next is first.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def add(self, name: str, turn: asyncio.Future[None]) -> bool:
        """Let a future wait, unless too many of its name do."""
        queue = self._waiting.setdefault(name, deque())
        if len(queue) >= _MAX_QUEUE:
            return False
        queue.append(turn)
        return True

    def discard(self, name: str, turn: asyncio.Future[None]) -> bool:
        """Take a future out; say whether it was still waiting."""
        queue = self._waiting.get(name)
        if queue is None or turn not in queue:
            return False
        queue.remove(turn)
        if not queue:
            del self._waiting[name]
        return True

    def pop(self) -> asyncio.Future[None] | None:
        """Take out whose turn it is, if anybody waits."""
        while self._waiting:
            name = next(iter(self._waiting))
            queue = self._waiting.pop(name)
            turn = queue.popleft()
            if queue:
                self._waiting[name] = queue
            if not turn.done():
                return turn
        return None


def _overloaded() -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.OVERLOADED,
        "Too many people are logging in. Try again in a moment.",
        retry_after_s=_RETRY_AFTER_S,
        policy="hashing",
    )
