"""Departures in MongoDB, in the chat service's own database."""

from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.departed import Departure
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available

__all__ = ["MongoDepartedStore"]

# A write may become visible after one that carries a later time of the server's clock.
_OVERLAP = timedelta(seconds=10)


@uncancelled
class MongoDepartedStore:
    """The collection `departed_users`: a `DepartedStore`."""

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._departed = database["departed_users"]

    async def prepare(self) -> None:
        """Create the index that is missing."""
        with available():
            await self._departed.create_index("stored_at", name="stored")

    async def add(self, user_id: UserId) -> None:
        """See `DepartedStore`. The time is the server's: the instances' clocks may differ."""
        with available():
            await self._departed.update_one(
                {"_id": user_id}, {"$currentDate": {"stored_at": True}}, upsert=True
            )

    async def stored(self, since: datetime | None) -> list[Departure]:
        """See `DepartedStore`."""
        wanted: dict[str, Any] = {}
        if since is not None:
            wanted = {"stored_at": {"$gt": since - _OVERLAP}}
        with available():
            return [
                Departure(UserId(found["_id"]), found["stored_at"])
                async for found in self._departed.find(wanted)
            ]
