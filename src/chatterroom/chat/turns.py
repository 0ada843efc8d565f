"""Long work of many, done in pieces that take turns. Knows nothing of the work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Turns"]


class Turns:
    """Lets one piece of long work be done at a time, and everything else between two pieces.

    Those who wait get their turns in order. So it does not matter to others how many have long
    work at the same time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for a piece of work that takes some milliseconds."""
        async with self._one_at_a_time:
            await asyncio.sleep(0)
            yield
