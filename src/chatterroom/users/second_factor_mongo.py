"""Second factors in MongoDB. Codes are spent in one step, so that each works once."""

from datetime import datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.database_mongo import SiblingStore

__all__ = ["SecondFactorStore"]

Document = dict[str, Any]


@uncancelled
class SecondFactorStore(SiblingStore):
    """The second factors in the collection `users`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._users = database.users

    async def begin(self, user_id: UserId, secret: bytes, now: datetime) -> bool:
        """Keep a secret until it is confirmed; False where there is a second factor already."""
        with available():
            begun = await self._users.update_one(
                {"_id": user_id, "second_factor": None},
                {"$set": {"second_factor_begun": {"secret": secret, "at": now}}},
            )
        return begun.matched_count == 1

    async def begun(self, user_id: UserId, since: datetime) -> bytes | None:
        """Return the secret that waits to be confirmed."""
        with available():
            found = await self._users.find_one(
                {"_id": user_id, "second_factor_begun.at": {"$gt": since}},
                {"second_factor_begun": True},
            )
        return found["second_factor_begun"]["secret"] if found else None

    async def turn_on(
        self, user_id: UserId, secret: bytes, step: int, recovery_hashes: list[str]
    ) -> bool:
        """Ask for codes from now on; False where the secret does not wait any more."""
        factor = {"secret": secret, "last_step": step, "recovery": recovery_hashes}
        with available():
            turned = await self._users.update_one(
                {"_id": user_id, "second_factor_begun.secret": secret},
                {"$set": {"second_factor": factor}, "$unset": {"second_factor_begun": True}},
            )
        return turned.matched_count == 1

    async def spend_step(self, user_id: UserId, secret: bytes, step: int) -> bool:
        """Use the code of a step; False where it, or a later one, was used before."""
        with available():
            spent = await self._users.update_one(
                {
                    "_id": user_id,
                    "second_factor.secret": secret,
                    "second_factor.last_step": {"$lt": step},
                },
                {"$set": {"second_factor.last_step": step}},
            )
        return spent.matched_count == 1

    async def spend_recovery(self, user_id: UserId, recovery_hash: str) -> bool:
        """Use a recovery code; False where there is none such left."""
        with available():
            spent = await self._users.update_one(
                {"_id": user_id, "second_factor.recovery": recovery_hash},
                {"$pull": {"second_factor.recovery": recovery_hash}},
            )
        return spent.matched_count == 1

    async def turn_off(self, user_id: UserId) -> None:
        """Ask for no codes any more."""
        with available():
            await self._users.update_one({"_id": user_id}, {"$unset": {"second_factor": True}})
