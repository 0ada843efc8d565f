"""Blocks in MongoDB, in the chat service's own database."""

from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.blocks import Block
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available

__all__ = ["MongoBlockStore"]

# A write may become visible after one that carries a later time of the server's clock.
_OVERLAP = timedelta(seconds=10)


@uncancelled
class MongoBlockStore:
    """The collection `blocks`: a `BlockStore`. The end of a block is kept as such."""

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._blocks = database["blocks"]

    async def prepare(self) -> None:
        """Create the index that is missing."""
        with available():
            await self._blocks.create_index("changed_at", name="changed")

    async def set_block(self, user_id: UserId, blocked_id: UserId, *, blocked: bool) -> None:
        """See `BlockStore`. The time is the server's: the instances' clocks may differ."""
        with available():
            # The end of a block that never was is not kept: ids can be made up without end.
            await self._blocks.update_one(
                {
                    "_id": {"user_id": user_id, "blocked_id": blocked_id},
                    **({} if blocked else {"blocked": True}),
                },
                {"$set": {"blocked": blocked}, "$currentDate": {"changed_at": True}},
                upsert=blocked,
            )

    async def blocks_changed(self, since: datetime | None) -> list[Block]:
        """See `BlockStore`."""
        # All means ends, too: who knows of a block, and of no moment yet, must hear of its end.
        wanted = {} if since is None else {"changed_at": {"$gt": since - _OVERLAP}}
        with available():
            return [
                Block(
                    UserId(found["_id"]["user_id"]),
                    UserId(found["_id"]["blocked_id"]),
                    found["blocked"],
                    found["changed_at"],
                )
                async for found in self._blocks.find(wanted)
            ]
