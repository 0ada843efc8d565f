"""Ended sessions as one instance knows them: its own at once, those of others by looking."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
from chatterroom.background import isolated, keep_running
from chatterroom.core.ids import SessionId

__all__ = ["Ends", "SessionEnds"]

LOOK_EVERY_S = 0.3
# What was written a moment ago may become visible after what was written later.
_OVERLAP = timedelta(seconds=5)
PAGE = 1_000
# Watchers take a longer silence for a dead connection (rpc/session_watch.py).
_SIGN_OF_LIFE_S = 1.0
MESSAGE = 1_000
MAX_WAITING = 20_000


class Source(Protocol):
    """Where all instances find the ends."""

    async def ended_since(
        self, moment: datetime, after: SessionId, limit: int
    ) -> list[tuple[datetime, EndedSession]]:
        """Return ends behind `moment` and, of that moment, behind `after`, earliest first."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What a watcher is sent next."""

    sessions: Sequence[EndedSession]
    up_to_date: bool
    """Whether, with these, the watcher has all ends: those that MongoDB had at the last look."""


class SessionEnds:
    """Brings every end to `heard` and to all watchers, each once."""

    def __init__(
        self, source: Source, ended: EndedSessions, heard: Callable[[EndedSession], None]
    ) -> None:
        self._source = source
        self._ended = ended
        self._heard = heard
        self._seen_until = datetime.fromtimestamp(0, UTC) + _OVERLAP
        self._watchers: set[_Watcher] = set()
        self._looked_through = False
        self._closed = False

    def tell(self, sessions: Sequence[EndedSession]) -> None:
        """Take note of sessions that have been ended here or elsewhere."""
        for session in sessions:
            if self._ended.add(session):
                for watcher in self._watchers:
                    watcher.add(session)
                with isolated("session_ends"):
                    self._heard(session)

    async def run(self) -> None:
        """Look for what other instances have ended, until cancelled."""
        # While MongoDB is away nobody can end a session either.
        await keep_running("session_ends", self._look, LOOK_EVERY_S)

    async def watch(self) -> AsyncIterator[Ends]:
        """Yield all that are of interest, then each as it ends, and nothing as a sign of life.

        Never more than `MESSAGE` together, however many end at once.

        Ends where this instance stops, and for a watcher that falls too far behind: it should
        begin again.
        """
        watcher = _Watcher(self._ended.remembered())
        self._watchers.add(watcher)
        try:
            yield self._sent(watcher, ())
            while not self._closed and not watcher.lost_some:
                yield self._sent(watcher, await watcher.next())
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End all watching."""
        self._closed = True
        for watcher in self._watchers:
            watcher.wake()

    def _sent(self, watcher: "_Watcher", sessions: Sequence[EndedSession]) -> Ends:
        watcher.is_up_to_date = self._looked_through and not watcher.is_behind
        return Ends(sessions, watcher.is_up_to_date)

    async def _look(self) -> None:
        # While MongoDB is away, or hangs, new watchers have to wait: ends may be missing here.
        self._looked_through = False
        await self._look_through()
        self._looked_through = True
        self._ended.complete()
        for watcher in self._watchers:
            if not watcher.is_up_to_date:
                watcher.wake()

    async def _look_through(self) -> None:
        since, after = self._seen_until - _OVERLAP, SessionId("")
        while page := await self._source.ended_since(since, after, PAGE):
            self.tell([session for _, session in page])
            since, after = page[-1][0], page[-1][1].session_id
            self._seen_until = max(self._seen_until, since)
            if len(page) < PAGE:
                return


class _Watcher:
    """What one watcher has not been told yet."""

    def __init__(self, waiting: Iterable[EndedSession]) -> None:
        self.lost_some = False
        self.is_up_to_date = False
        self._waiting = deque(waiting)
        self._news = asyncio.Event()
        self._first = len(self._waiting)

    @property
    def is_behind(self) -> bool:
        return bool(self._waiting)

    def add(self, session: EndedSession) -> None:
        if len(self._waiting) >= MAX_WAITING + self._first:
            self.lost_some = True
        else:
            self._waiting.append(session)
        self._news.set()

    def wake(self) -> None:
        self._news.set()

    async def next(self) -> Sequence[EndedSession]:
        if not self._waiting:
            try:
                async with asyncio.timeout(_SIGN_OF_LIFE_S):
                    await self._news.wait()
            except TimeoutError:
                return ()
        self._news.clear()
        return [self._waiting.popleft() for _ in range(min(MESSAGE, len(self._waiting)))]
