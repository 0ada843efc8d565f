"""Erasing what deletions have left to be erased."""

from datetime import datetime
from typing import Protocol

from chatterroom.background import keep_running
from chatterroom.core import times

__all__ = ["keep_erasing"]

LOOK_EVERY_S = 2.0


class Erasures(Protocol):
    """Where it is kept what is still to be erased."""

    async def erase_some(self, now: datetime) -> bool:
        """Erase some of it; return False where nothing is due. May be repeated."""


async def keep_erasing(erasures: Erasures) -> None:
    """Erase what is due, until cancelled. Several instances may do so at the same time."""

    async def erase_all() -> None:
        while await erasures.erase_some(times.now()):
            pass

    await keep_running("erasures", erase_all, LOOK_EVERY_S)
