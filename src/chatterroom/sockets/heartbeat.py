"""Finding connections that have died without a word. When to ask and to give up; no sockets here.

One task looks at all connections again and again: a timer for each would cost more memory than
most of what a connection has to remember.
"""

import asyncio
from collections.abc import Iterable
from enum import Enum, auto
from typing import Protocol

from chatterroom.background import isolated, keep_running

__all__ = ["CHECKS", "Checked", "Due", "due", "keep_checking"]

CHECKS = 5
"""How often a connection is looked at within the silence that is allowed."""
# Between so many, others get their turn: a ping is a write.
_AT_ONCE = 200


class Due(Enum):
    """What is to be done about a silent connection."""

    NOTHING = auto()
    PING = auto()
    CUT = auto()


def due(checks: int) -> Due:
    """Say what the given number of checks in a row without a sign of life calls for.

    The first of them may come right after such a sign, so one more is needed than it seems: a
    ping is due after the allowed silence or up to a fifth more, and the end as long after it.
    """
    if checks == CHECKS + 1:
        return Due.PING
    return Due.CUT if checks > 2 * CHECKS else Due.NOTHING


class Checked(Protocol):
    """A connection that is looked at."""

    def check(self) -> None:
        """Count this look, and do what is due."""


async def keep_checking(connections: Iterable[Checked], silence_s: float) -> None:
    """Look at all connections that there are, `CHECKS` times in `silence_s`, until cancelled."""

    async def check_all() -> None:
        await asyncio.sleep(silence_s / CHECKS)
        for count, connection in enumerate(tuple(connections)):
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            with isolated("heartbeat"):
                connection.check()

    await keep_running("heartbeat", check_all)
