"""Deleted accounts in MongoDB: tombstones, which are at the same time the work still to be done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.accounts import Account
from chatterroom.users.database_mongo import SiblingStore

__all__ = ["DeletionStore"]

Document = dict[str, Any]


@uncancelled
class DeletionStore(SiblingStore):
    """The collection `deleted_users`, and the erasure of an account from `users`.

    A tombstone holds the id and two times. While it has a `due_at` there is work to do.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._users = database.users
        self._deleted = database.deleted_users

    async def begin(self, account: Account, now: datetime) -> None:
        """Decide that an account is deleted. From here on it happens, whoever stops."""
        with available():
            try:
                await self._deleted.insert_one(
                    {
                        "_id": account.user_id,
                        "created_at": account.created_at,
                        "deleted_at": now,
                        "due_at": now,
                    }
                )
            except DuplicateKeyError:
                return

    async def claim(self, now: datetime, until: datetime) -> UserId | None:
        """Return a user who is to be erased; no other instance gets the same one before `until`."""
        with available():
            found = await self._deleted.find_one_and_update(
                {"due_at": {"$lte": now}},
                {"$set": {"due_at": until}},
                projection={"_id": True},
                sort=[("due_at", ASCENDING)],
            )
        return UserId(found["_id"]) if found else None

    async def put_back(self, user_id: UserId, now: datetime) -> None:
        """Let anybody claim a user from now on, behind those who are due already."""
        with available():
            await self._deleted.update_one({"_id": user_id}, {"$set": {"due_at": now}})

    async def email_key(self, user_id: UserId) -> str | None:
        """Return the key of the email that is not yet erased."""
        with available():
            found = await self._users.find_one({"_id": user_id}, {"email_key": True})
        return found["email_key"] if found else None

    async def erase(self, user_id: UserId) -> None:
        """Remove everything personal of an account; name and email are free again."""
        with available():
            await self._users.delete_one({"_id": user_id})

    async def finish(self, user_id: UserId) -> None:
        """Keep the tombstone alone: all is done."""
        with available():
            await self._deleted.update_one({"_id": user_id}, {"$unset": {"due_at": True}})

    async def deleted(self, user_ids: Sequence[UserId]) -> dict[UserId, datetime]:
        """Return those users who were deleted, with the time of their registration."""
        with available():
            cursor = self._deleted.find({"_id": {"$in": list(user_ids)}}, {"created_at": True})
            return {UserId(found["_id"]): found["created_at"] async for found in cursor}
