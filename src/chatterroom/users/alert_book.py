"""Alerts on their way: kept first, told second, and told again until a device has seen them."""

import asyncio
from collections import deque

import structlog

from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.core.errors import ChatterRoomError
from chatterroom.core.ids import SessionId, UserId
from chatterroom.core.times import now
from chatterroom.users.alert_store_mongo import AlertStore
from chatterroom.users.alerts import Alert, Alerts, KeptAlert, ProfileChanged

__all__ = ["AlertBook"]

log = structlog.get_logger()

MAX_WAITING = 10_000
_AT_ONCE = 100


class AlertBook:
    """Keeps alerts and tells them, while `run` does.

    Telling waits for nothing, so that a wrong password takes no longer for an account that exists.
    An alert is lost where this process dies before it is stored, a moment later; beyond
    `MAX_WAITING` that wait for storage, it is told to connected devices only.
    """

    def __init__(self, store: AlertStore, live: Alerts) -> None:
        self._store = store
        self._live = live
        self._waiting: deque[tuple[UserId, KeptAlert]] = deque()
        self._arrived = asyncio.Event()
        self._told = 0
        """How many of those that wait have been told to connected devices."""

    def tell(self, user_id: UserId, alert: Alert) -> None:
        """Bring an alert to the user's devices: those connected now, and the others later."""
        if isinstance(alert, ProfileChanged):
            self._live.tell(user_id, alert)
        elif len(self._waiting) >= MAX_WAITING:
            log.warning("alert_not_kept", user_id=user_id)
            self._live.tell(user_id, alert)
        else:
            self._waiting.append((user_id, alert))
            self._arrived.set()

    async def unseen(self, user_id: UserId, session_id: SessionId) -> list[KeptAlert]:
        """Return what a session has not seen, oldest first. Raises STORAGE_UNAVAILABLE."""
        return await self._store.unseen(user_id, session_id)

    async def ack(self, user_id: UserId, session_id: SessionId, alert_id: str) -> None:
        """Note that a session has seen an alert and all before. Raises STORAGE_UNAVAILABLE."""
        await self._store.ack(user_id, session_id, alert_id)

    async def begin(self, user_id: UserId, session_id: SessionId) -> None:
        """Let a new session begin behind what has been seen. Raises STORAGE_UNAVAILABLE."""
        await self._store.begin(user_id, session_id)

    async def run(self) -> None:
        """Store and tell until cancelled."""
        await keep_running("alerts", self._keep_some)

    async def _keep_some(self) -> None:
        await self._arrived.wait()
        batch = [self._waiting[place] for place in range(min(_AT_ONCE, len(self._waiting)))]
        try:
            failures = await each_apart(batch, lambda some: self._store.add(some, now()))
        except ChatterRoomError:
            # Those who are connected hear of it all the same, and once.
            self._tell_live(batch)
            raise
        for _, error in failures:
            # What cannot be stored at all must not keep those behind it from being told.
            report("alerts", error)
        self._tell_live(batch)
        self._told = 0
        for _ in batch:
            self._waiting.popleft()
        if not self._waiting:
            self._arrived.clear()

    def _tell_live(self, batch: list[tuple[UserId, KeptAlert]]) -> None:
        untold, self._told = batch[self._told :], max(self._told, len(batch))
        for user_id, alert in untold:
            with isolated("alerts"):
                self._live.tell(user_id, alert)
