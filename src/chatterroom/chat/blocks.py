"""Who has blocked whom: held in memory by every instance, the store being what is true.

Asked for at every private message, so the answer must not cost a read. An instance hears at once
of what it stores itself, and of the others' changes by reading what is new, twice a second.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple, Protocol

from chatterroom.chat.changes import Changes
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId

__all__ = ["Block", "BlockStore", "Blocks"]

MAX_BLOCKS = 1_000


class Block(NamedTuple):
    """Whether one user has blocked another, and since when that is so."""

    user_id: UserId
    blocked_id: UserId
    blocked: bool
    changed_at: datetime


class BlockStore(Protocol):
    """Where blocks are kept. All methods raise `StorageUnavailableError`."""

    async def set_block(self, user_id: UserId, blocked_id: UserId, *, blocked: bool) -> None:
        """Store a block or its end; on the disks of a majority when it returns."""

    async def blocks_changed(self, since: datetime | None) -> list[Block]:
        """Return what has changed since a moment and a few seconds before it, or all there is,
        blocks that have ended included."""


class Blocks:
    """Decides what a block forbids. `tell` hears of every change, once."""

    def __init__(self, store: BlockStore, tell: Callable[[UserId, UserId, bool], None]) -> None:
        self._store = store
        self._tell = tell
        self._blocked: defaultdict[UserId, set[UserId]] = defaultdict(set)
        self._changes = Changes("blocks", store.blocks_changed, self._note_stored)

    @property
    def loaded(self) -> bool:
        """Whether the blocks have been read for the first time."""
        return self._changes.loaded

    def require_none(self, user_id: UserId, others: Iterable[UserId]) -> None:
        """Raise BLOCKED where the user or one of the others has blocked the other.

        Which of them did is not told. Raises `StorageUnavailableError` before the blocks have
        been read for the first time.
        """
        for other in others:
            if self.between(user_id, other):
                raise ChatterRoomError(
                    ErrorCode.BLOCKED, "One of you has blocked the other.", user_id=other
                )

    def between(self, user_id: UserId, other: UserId) -> bool:
        """Say whether one of the two has blocked the other.

        Raises `StorageUnavailableError` before the blocks have been read for the first time.
        """
        self._changes.require_loaded()
        return other in self._of(user_id) or user_id in self._of(other)

    def of(self, user_id: UserId) -> list[UserId]:
        """Return whom a user has blocked as far as is known here, in the order of the ids."""
        return sorted(self._of(user_id))

    async def stored(self, user_id: UserId) -> list[UserId]:
        """Return the same as of now, whichever instance was told of it."""
        await self._changes.refresh()
        return self.of(user_id)

    async def set(self, user_id: UserId, other: UserId, *, blocked: bool) -> None:
        """Block a user, or end the block; repeating it changes nothing.

        Raises INVALID_REQUEST for oneself, and beyond 1,000 blocked users.
        """
        mine = self._of(user_id)
        if user_id == other:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "You cannot block yourself.", field="user_id"
            )
        if blocked and other not in mine and len(mine) >= MAX_BLOCKS:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, f"You can block at most {MAX_BLOCKS:,} users."
            )
        async with self._changes.turn:
            await self._store.set_block(user_id, other, blocked=blocked)
            self._note(user_id, other, blocked)

    async def run(self) -> None:
        """Follow what is stored until cancelled."""
        await self._changes.run()

    def _of(self, user_id: UserId) -> AbstractSet[UserId]:
        return self._blocked.get(user_id, frozenset())

    def _note_stored(self, block: Block) -> datetime:
        self._note(block.user_id, block.blocked_id, block.blocked)
        return block.changed_at

    def _note(self, user_id: UserId, other: UserId, blocked: bool) -> None:
        mine = self._blocked[user_id]
        if (other in mine) != blocked:
            (mine.add if blocked else mine.discard)(other)
            if self.loaded:
                self._tell(user_id, other, blocked)
        if not mine:
            del self._blocked[user_id]
