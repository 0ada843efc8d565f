"""Counts of attempts and known places in MongoDB, for all instances of the user service."""

from datetime import datetime, timedelta
from typing import Any

from pymongo import DESCENDING, ReturnDocument, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.core.cancellation import uncancelled
from chatterroom.storage.availability_mongo import available
from chatterroom.users.database_mongo import SiblingStore

__all__ = ["GuessStore"]

Document = dict[str, Any]

MAX_PLACES = 100
# A count that a failover forgets does no harm, and a login need not wait for disks.
_QUICK = WriteConcern(w=1)


@uncancelled
class GuessStore(SiblingStore):
    """The collections `login_attempts` and `login_places`. MongoDB removes what has expired."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._attempts = database.get_collection("login_attempts", write_concern=_QUICK)
        self._places = database.get_collection("login_places", write_concern=_QUICK)

    async def is_known(self, place: str, now: datetime) -> bool:
        """Say whether a place is remembered."""
        with available():
            found = await self._places.find_one({"_id": place, "expires_at": {"$gt": now}})
        return found is not None

    async def remember(self, place: str, account: str, until: datetime) -> None:
        """Remember a place of an account, and forget the oldest beyond `MAX_PLACES`."""
        with available():
            remembered = await self._places.update_one(
                {"_id": place}, {"$set": {"account": account, "expires_at": until}}, upsert=True
            )
            if remembered.upserted_id is None:
                return
            oldest = await self._places.find_one(
                {"account": account},
                {"expires_at": True},
                sort=[("expires_at", DESCENDING)],
                skip=MAX_PLACES - 1,
            )
            if oldest is not None:
                await self._places.delete_many(
                    {"account": account, "expires_at": {"$lt": oldest["expires_at"]}}
                )

    async def count(
        self, key: str, attempt_id: str, now: datetime, window: timedelta, most: int
    ) -> datetime | None:
        """Count an attempt where fewer than `most` lie within the window.

        Else count nothing and return when the oldest of them was. One step in MongoDB: of many at
        once no more than `most` get through.
        """
        recent = {
            "$filter": {
                "input": {"$ifNull": ["$attempts", []]},
                "cond": {"$gt": ["$$this.at", now - window]},
            }
        }
        attempt = {"id": attempt_id, "at": now}
        with_it = {"$concatArrays": ["$attempts", [attempt]]}
        counted = {"$cond": ["$admitted", with_it, "$attempts"]}
        with available():
            found = await self._attempts.find_one_and_update(
                {"_id": key},
                [
                    {"$set": {"attempts": recent}},
                    {"$set": {"admitted": {"$lt": [{"$size": "$attempts"}, most]}}},
                    {"$set": {"attempts": counted, "expires_at": now + window}},
                ],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if found is None or found["admitted"]:
            return None
        oldest: datetime = min(attempt["at"] for attempt in found["attempts"])
        return oldest

    async def uncount(self, key: str, attempt_id: str) -> None:
        """Take an attempt out of a count."""
        with available():
            await self._attempts.update_one(
                {"_id": key}, {"$pull": {"attempts": {"id": attempt_id}}}
            )

    async def forget(self, account: str) -> None:
        """Forget the places of an account."""
        with available():
            await self._places.delete_many({"account": account})
