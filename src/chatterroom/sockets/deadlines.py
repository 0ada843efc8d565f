"""Many deadlines, few timers: what ends in the same second shares one. No sockets here."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from chatterroom.background import isolated

__all__ = ["Deadlines"]

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Calls `passed` once for every item whose second has come, in no particular order."""

    def __init__(self, passed: Callable[[Item], None]) -> None:
        self._passed = passed
        self._due: dict[int, set[Item]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add(self, at_s: int, item: Item) -> None:
        """Let `item` end at a second since 1970, at once where that is past."""
        due = self._due.get(at_s)
        if due is None:
            due = self._due[at_s] = set()
            self._timers[at_s] = asyncio.get_running_loop().call_later(
                max(0.0, at_s - time.time()), self._pass, at_s
            )
        due.add(item)

    def discard(self, at_s: int, item: Item) -> None:
        """Forget an item; harmless where its second has come, or where it was not added."""
        due = self._due.get(at_s)
        if due is None:
            return
        due.discard(item)
        if not due:
            del self._due[at_s]
            self._timers.pop(at_s).cancel()

    def _pass(self, at_s: int) -> None:
        del self._timers[at_s]
        for item in self._due.pop(at_s):
            with isolated("deadlines"):
                self._passed(item)
