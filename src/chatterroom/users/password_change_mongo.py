"""Changed passwords in MongoDB, and the sessions that have yet to end because of them."""

from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import SessionId, UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.accounts import Account
from chatterroom.users.database_mongo import IndexedStore
from chatterroom.users.password_change import SessionsToEnd

__all__ = ["PasswordChangeStore"]

Document = dict[str, Any]


@uncancelled
class PasswordChangeStore(IndexedStore):
    """The field `sessions_to_end` in the collection `users`: it is there while work is left."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        super().__init__()
        self._users = database.users

    async def change(
        self,
        account: Account,
        new_hash: str,
        at: datetime,
        but: SessionId | None,
        due_at: datetime,
    ) -> bool:
        """Store the hash of a new password, and that all sessions except `but` are to end.

        False if another password came in between.
        """
        await self._prepare()
        with available():
            changed = await self._users.update_one(
                {"_id": account.user_id, "password_changed_at": account.password_changed_at},
                {
                    "$set": {
                        "password_hash": new_hash,
                        "password_changed_at": at,
                        "sessions_to_end": {"but": but, "due_at": due_at},
                    }
                },
            )
        return changed.matched_count == 1

    async def claim(self, now: datetime, until: datetime) -> SessionsToEnd | None:
        """Return work that is due; no other instance gets the same before `until`."""
        with available():
            found = await self._users.find_one_and_update(
                {"sessions_to_end.due_at": {"$lte": now}},
                {"$set": {"sessions_to_end.due_at": until}},
                projection={"sessions_to_end": True, "password_changed_at": True},
                sort=[("sessions_to_end.due_at", ASCENDING)],
            )
        if found is None:
            return None
        but = found["sessions_to_end"]["but"]
        return SessionsToEnd(
            UserId(found["_id"]), found["password_changed_at"], SessionId(but) if but else None
        )

    async def finish(self, work: SessionsToEnd) -> None:
        """Note that the work is done, unless the password was changed again."""
        with available():
            await self._users.update_one(
                {"_id": work.user_id, "password_changed_at": work.password_set_at},
                {"$unset": {"sessions_to_end": True}},
            )

    async def _create_indexes(self) -> None:
        await self._users.create_index("sessions_to_end.due_at", sparse=True)
