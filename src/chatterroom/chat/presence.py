"""Who is online, for those who asked to be told.

Presence is shown to people who share a conversation, while no block is between them. Who is
watched is looked up every two seconds, and so is whose memberships have ended since: those who
watched them may share nothing with them any more.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from chatterroom.background import isolated, keep_running, report
from chatterroom.chat.blocks import Blocks
from chatterroom.chat.departed import Departed
from chatterroom.chat.leases_redis import Leases, online
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.cancellation import until_one_fails
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError
from chatterroom.core.ids import UserId

__all__ = ["MAX_WATCHED", "Presence", "Watcher"]

log = structlog.get_logger()

MAX_WATCHED = 200
_LOOK_S = 2.0


class Watcher(Protocol):
    """Somebody who is told of changes."""

    user_id: UserId

    def saw(self, changes: dict[UserId, bool]) -> None:
        """Hear who came online or went offline."""


class Presence:
    """Looks at the leases of watched users every two seconds and tells what has changed.

    One look serves all watchers. A connection that comes back soon is no absence.
    """

    def __init__(
        self, store: ChatStore, leases: Leases, blocks: Blocks, departed: Departed
    ) -> None:
        self._store = store
        self._leases = leases
        self._blocks = blocks
        self._departed = departed
        self._watchers: defaultdict[UserId, set[Watcher]] = defaultdict(set)
        self._watched: dict[Watcher, set[UserId]] = {}
        self._of_viewer: defaultdict[UserId, set[Watcher]] = defaultdict(set)
        self._known: dict[UserId, bool] = {}
        self._ended_since: datetime | None = None

    async def of(self, viewer: UserId | None, user_ids: Sequence[UserId]) -> dict[UserId, bool]:
        """Return who is online; those whose presence `viewer` may not see are not."""
        there = await self._look(await self._visible(viewer, user_ids))
        return {
            user_id: there.get(user_id, False) and not self._hidden(viewer, user_id)
            for user_id in user_ids
        }

    async def watch(self, watcher: Watcher, user_ids: Sequence[UserId]) -> dict[UserId, bool]:
        """Tell `watcher` of these users instead of others before; return how they are now."""
        visible = await self._visible(watcher.user_id, user_ids)
        there = await self._look(visible)
        self.unwatch(watcher)
        if visible:
            self._watched[watcher] = set(visible)
            self._of_viewer[watcher.user_id].add(watcher)
        for user_id in visible:
            self._watchers[user_id].add(watcher)
        for user_id, is_online in there.items():
            self._known.setdefault(user_id, is_online)
        return {
            user_id: there.get(user_id, False) and not self._hidden(watcher.user_id, user_id)
            for user_id in user_ids
        }

    def unwatch(self, watcher: Watcher) -> None:
        """Tell `watcher` of nobody."""
        for user_id in tuple(self._watched.get(watcher, ())):
            self._forget(watcher, user_id)

    def block_changed(self, one: UserId, other: UserId) -> None:
        """Tell both, if they watch each other, what a block hides or its end shows again."""
        for viewer, user_id in ((one, other), (other, one)):
            is_online = self._known.get(user_id, False) and not self._hidden(viewer, user_id)
            for watcher in self._watching(viewer, user_id):
                watcher.saw({user_id: is_online})

    def departed(self, user_id: UserId) -> None:
        """Tell all who watch a user that the account is gone, if the user was online."""
        if self._known.get(user_id):
            self._tell({user_id: False})

    async def run(self) -> None:
        """Look and tell until cancelled."""
        await until_one_fails(
            keep_running("presence", self._look_and_tell, _LOOK_S),
            keep_running("acquaintance", self._look_at_ended, _LOOK_S),
        )

    async def _look_and_tell(self) -> None:
        if self._watchers:
            self._tell(await self._look(list(self._watchers)))

    async def _look_at_ended(self) -> None:
        ended, since = await self._store.ended_memberships.since(self._ended_since)
        for user_id in ended:
            try:
                await self._look_at_acquaintance(user_id)
            except StorageUnavailableError:
                raise  # all of them are looked at again
            except Exception as error:  # noqa: BLE001 -- reported; the others are still to be seen
                report("acquaintance", error)
        self._ended_since = since

    def _tell(self, there: dict[UserId, bool]) -> None:
        news: defaultdict[Watcher, dict[UserId, bool]] = defaultdict(dict)
        for user_id, is_online in there.items():
            if user_id in self._watchers and self._known.get(user_id) is not is_online:
                self._known[user_id] = is_online
                for watcher in self._watchers[user_id]:
                    if not self._hidden(watcher.user_id, user_id):
                        news[watcher][user_id] = is_online
        for watcher, changes in news.items():
            with isolated("presence"):
                watcher.saw(changes)

    async def _look_at_acquaintance(self, user_id: UserId) -> None:
        """Stop telling of a user, and telling that user, where nothing is shared any more."""
        watchers = [
            (watcher, user_id, watcher.user_id) for watcher in self._watchers.get(user_id, ())
        ]
        watching = [
            (watcher, seen, seen)
            for watcher in self._of_viewer.get(user_id, ())
            for seen in self._watched[watcher]
        ]
        pairs = watchers + watching
        if not pairs:
            return
        others = list({other for _, _, other in pairs})
        known = await self._store.acquainted(user_id, others)
        for watcher, seen, other in pairs:
            if other not in known and seen in self._watched.get(watcher, ()):
                was_online = self._known.get(seen, False)
                self._forget(watcher, seen)
                if was_online:
                    watcher.saw({seen: False})

    def _forget(self, watcher: Watcher, user_id: UserId) -> None:
        self._watched[watcher].discard(user_id)
        if not self._watched[watcher]:
            del self._watched[watcher]
            self._of_viewer[watcher.user_id].discard(watcher)
            if not self._of_viewer[watcher.user_id]:
                del self._of_viewer[watcher.user_id]
        self._watchers[user_id].discard(watcher)
        if not self._watchers[user_id]:
            del self._watchers[user_id]
            self._known.pop(user_id, None)

    def _watching(self, viewer: UserId, user_id: UserId) -> list[Watcher]:
        return [
            watcher
            for watcher in self._of_viewer.get(viewer, ())
            if user_id in self._watched[watcher]
        ]

    def _hidden(self, viewer: UserId | None, user_id: UserId) -> bool:
        return viewer is not None and self._blocks.between(viewer, user_id)

    async def _visible(self, viewer: UserId | None, user_ids: Sequence[UserId]) -> list[UserId]:
        """Return those whose presence `viewer` may see, unless a block hides it."""
        if len(user_ids) > MAX_WATCHED:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                f"You can watch at most {MAX_WATCHED} users at a time.",
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
            there = {user_id: self._known[user_id] for user_id in users if user_id in self._known}
        else:
            there = {user_id: bool(holders) for user_id, holders in zip(users, held, strict=True)}
        return {
            user_id: is_online and not self._departed.includes(user_id)
            for user_id, is_online in there.items()
        }
