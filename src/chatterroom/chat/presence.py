"""Who is online, for those who asked to be told."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from chatterroom.chat.leases_redis import Leases, online
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId

__all__ = ["MAX_WATCHED", "Presence", "Watcher"]

log = structlog.get_logger()

MAX_WATCHED = 200
_LOOK_S = 2.0


class Watcher(Protocol):
    """Somebody who is told of changes."""

    def saw(self, changes: dict[UserId, bool]) -> None:
        """Hear who came online or went offline."""


class Presence:
    """Looks at the leases of watched users every two seconds and tells what has changed.

    One look serves all watchers. A connection that comes back soon is no absence.
    """

    def __init__(self, store: ChatStore, leases: Leases) -> None:
        self._store = store
        self._leases = leases
        self._watchers: defaultdict[UserId, set[Watcher]] = defaultdict(set)
        self._watched: dict[Watcher, list[UserId]] = {}
        self._known: dict[UserId, bool] = {}

    async def of(self, viewer: UserId | None, user_ids: Sequence[UserId]) -> dict[UserId, bool]:
        """Return who is online; those with whom `viewer` shares no conversation are not."""
        there = await self._look(await self._visible(viewer, user_ids))
        return {user_id: there.get(user_id, False) for user_id in user_ids}

    async def watch(
        self, watcher: Watcher, viewer: UserId, user_ids: Sequence[UserId]
    ) -> dict[UserId, bool]:
        """Tell `watcher` of these users instead of others before; return how they are now."""
        there = await self._look(await self._visible(viewer, user_ids))
        self.unwatch(watcher)
        self._watched[watcher] = list(there)
        for user_id, is_online in there.items():
            self._watchers[user_id].add(watcher)
            self._known.setdefault(user_id, is_online)
        return {user_id: there.get(user_id, False) for user_id in user_ids}

    def unwatch(self, watcher: Watcher) -> None:
        """Tell `watcher` of nobody."""
        for user_id in self._watched.pop(watcher, ()):
            self._watchers[user_id].discard(watcher)
            if not self._watchers[user_id]:
                del self._watchers[user_id]
                self._known.pop(user_id, None)

    async def run(self) -> None:
        """Look and tell until cancelled."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_LOOK_S)
            if self._watchers:
                self._tell(await self._look(list(self._watchers)))

    def _tell(self, there: dict[UserId, bool]) -> None:
        news: defaultdict[Watcher, dict[UserId, bool]] = defaultdict(dict)
        for user_id, is_online in there.items():
            if user_id in self._watchers and self._known.get(user_id) is not is_online:
                self._known[user_id] = is_online
                for watcher in self._watchers[user_id]:
                    news[watcher][user_id] = is_online
        for watcher, changes in news.items():
            watcher.saw(changes)

    async def _visible(self, viewer: UserId | None, user_ids: Sequence[UserId]) -> list[UserId]:
        if len(user_ids) > MAX_WATCHED:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                f"at most {MAX_WATCHED} users at a time",
                field="user_ids",
            )
        if viewer is None:
            return list(user_ids)
        return list(await self._store.acquainted(viewer, user_ids))

    async def _look(self, user_ids: Iterable[UserId]) -> dict[UserId, bool]:
        users = list(user_ids)
        held = await self._leases.holders([online(user_id) for user_id in users])
        if held is None:
            # Nobody is said to have left because Redis is away.
            return {user_id: self._known[user_id] for user_id in users if user_id in self._known}
        return {user_id: bool(holders) for user_id, holders in zip(users, held, strict=True)}
