"""Whose memberships have ended lately, in MongoDB: what was shared with them may be no more."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.storage.availability_mongo import available

__all__ = ["EndedMemberships"]

# A transaction may become visible after one that carries a later time of the server's clock.
_OVERLAP = timedelta(seconds=10)
_KEPT = timedelta(hours=1)
_AT_MOST = 10_000
_NEVER = datetime.fromtimestamp(0, UTC)


@uncancelled
class EndedMemberships:
    """The collection `ended_memberships`; MongoDB drops what is older than an hour."""

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._ended = database["ended_memberships"]

    async def prepare(self) -> None:
        """Create the index that is missing."""
        with available():
            await self._ended.create_index(
                "ended_at", name="ended", expireAfterSeconds=int(_KEPT.total_seconds())
            )

    async def add(self, user_id: UserId, conversation_id: ConversationId, session: Any) -> None:
        """Store, within a transaction, that a membership ends."""
        await self._ended.update_one(
            {"_id": f"{user_id}:{conversation_id}"},
            {"$set": {"user_id": user_id}, "$currentDate": {"ended_at": True}},
            upsert=True,
            session=session,
        )

    async def since(self, moment: datetime | None) -> tuple[set[UserId], datetime]:
        """Return whose memberships have ended since a moment and a few seconds before it, and
        the moment to ask for next. None stands for now: nobody's.

        Raises `StorageUnavailableError`.
        """
        wanted = {} if moment is None else {"ended_at": {"$gt": moment - _OVERLAP}}
        limit = 1 if moment is None else _AT_MOST
        with available():
            found = [
                document
                async for document in self._ended.find(wanted).sort("ended_at", -1).limit(limit)
            ]
        newest = found[0]["ended_at"] if found else moment or _NEVER
        users = set() if moment is None else {UserId(each["user_id"]) for each in found}
        return users, newest
