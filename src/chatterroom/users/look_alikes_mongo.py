"""Which usernames look alike, in MongoDB: one account for each look, and those of before."""

from collections.abc import Sequence
from typing import Any

import structlog
from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from chatterroom.background import keep_running
from chatterroom.core.cancellation import raise_if_cancelled, uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.database_mongo import IndexedStore
from chatterroom.users.names import TABLES_VERSION, skeletons

__all__ = [
    "LookAlikes",
    "complete_look_alikes",
    "create_skeleton_indexes",
    "skeleton_fields",
    "username_taken",
]

log = structlog.get_logger()

BATCH = 500
# Instances of another version may add accounts.
_LOOK_EVERY_S = 10.0
_DUPLICATE = 11000

Document = dict[str, Any]


def skeleton_fields(username: str) -> Document:
    """Return what is stored with a username, so that no other account gets one that looks alike."""
    return {"skeletons": skeletons(username), "skeletons_of": TABLES_VERSION}


async def create_skeleton_indexes(users: AsyncCollection[Document]) -> None:
    """Create the indexes; no skeleton is stored before."""
    await users.create_index("skeletons", unique=True, sparse=True)
    await users.create_index("skeletons_of")


def username_taken() -> ChatterRoomError:
    """Return the refusal of a username that somebody has, or one that looks like it."""
    return ChatterRoomError(
        ErrorCode.USERNAME_TAKEN,
        "This username, or one that looks like it, is taken.",
        field="username",
    )


@uncancelled
class LookAlikes(IndexedStore):
    """The fields `skeletons` and `skeletons_of` in the collection `users`.

    No two accounts share a skeleton. Accounts of before keep a username that looks like another's,
    without skeletons.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        super().__init__()
        self._users = database.users

    async def is_anothers(self, name: str, user_id: UserId) -> bool:
        """Say whether a name looks like the username of somebody else."""
        shared = {"skeletons": {"$in": skeletons(name)}, "_id": {"$ne": user_id}}
        with available():
            return await self._users.find_one(shared, {"_id": True}) is not None

    async def complete_batch(self) -> bool:
        """Give a batch of accounts of before their skeletons; False where none is left."""
        await self._prepare()
        stale = {"skeletons_of": {"$ne": TABLES_VERSION}}
        with available():
            found = [
                user async for user in self._users.find(stale, {"username": True}).limit(BATCH)
            ]
        if found:
            taken = await self._store(found)
            if taken:
                await self._leave_without([found[place] for place in taken])
        return bool(found)

    async def _store(self, users: Sequence[Document]) -> list[int]:
        """Store the skeletons of users; return the places of those whose look is taken."""
        changes = [
            UpdateOne(_unchanged(user), {"$set": skeleton_fields(user["username"])})
            for user in users
        ]
        with available():
            try:
                await self._users.bulk_write(changes, ordered=False)
            except BulkWriteError as error:
                failures = error.details["writeErrors"]
                if error.details["writeConcernErrors"] or any(
                    failure["code"] != _DUPLICATE for failure in failures
                ):
                    raise
                return [failure["index"] for failure in failures]
        return []

    async def _leave_without(self, users: Sequence[Document]) -> None:
        left = {"$set": {"skeletons_of": TABLES_VERSION}, "$unset": {"skeletons": True}}
        with available():
            await self._users.bulk_write([UpdateOne(_unchanged(user), left) for user in users])
        for user in users:
            log.warning("username_looks_like_another", user_id=user["_id"])

    async def _create_indexes(self) -> None:
        await create_skeleton_indexes(self._users)


async def complete_look_alikes(store: LookAlikes) -> None:
    """Give all accounts of before their skeletons, until cancelled."""

    async def complete_all() -> None:
        while await store.complete_batch():
            raise_if_cancelled()

    await keep_running("look_alikes", complete_all, _LOOK_EVERY_S)


def _unchanged(user: Document) -> Document:
    return {"_id": user["_id"], "username": user["username"]}
