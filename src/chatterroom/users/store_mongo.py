"""Accounts in MongoDB, in the user service's own database."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pymongo import ASCENDING, AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidURI

from chatterroom.core.cancellation import calls_ended, uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.core.settings import SettingsError
from chatterroom.storage.availability_mongo import available
from chatterroom.users.accounts import Account, email_key
from chatterroom.users.look_alikes_mongo import (
    create_skeleton_indexes,
    skeleton_fields,
    username_taken,
)
from chatterroom.users.names import username_key
from chatterroom.users.profile import Person
from chatterroom.users.second_factor import SecondFactor

__all__ = ["UserStore"]

_DEADLINE_MS = 1_800
_SELECTION_MS = 1_500
# Above every character that a username can contain.
_HIGHEST = "\U0010ffff"
# Neither is needed to know an account, and both may be long.
_WITHOUT_THE_LONG = {"avatar.data": False, "preferences": False}
_OF_A_PERSON = {"username": True, "display_name": True, "avatar.id": True}

Document = Mapping[str, Any]


@uncancelled
class UserStore:
    """The collection `users`.

    What is written is on the disks of a majority when a method returns. Every method but `close`
    raises STORAGE_UNAVAILABLE within two seconds while MongoDB is away; the write may have
    happened nevertheless.
    """

    def __init__(self, mongo_url: str) -> None:
        try:
            self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                mongo_url,
                w="majority",
                journal=True,
                tz_aware=True,
                timeoutMS=_DEADLINE_MS,
                serverSelectionTimeoutMS=_SELECTION_MS,
                connectTimeoutMS=_SELECTION_MS,
                appname="chatterroom-users",
            )
            database: AsyncDatabase[dict[str, Any]] = self._client.get_default_database()
        except (ConfigurationError, InvalidURI, ValueError):
            raise SettingsError(
                "the MongoDB URL of the user service is not valid, or names no database"
            ) from None
        self.database = database
        """For the stores of what belongs to accounts; they end before this one."""
        self._users = database.users
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await calls_ended(self)
        await self._client.close()

    async def is_ready(self) -> bool:
        """Say whether MongoDB answers and the indexes exist. Raises bugs only."""
        try:
            with available():
                await self._client.admin.command("ping")
            await self._prepare()
        except ChatterRoomError:
            return False
        return True

    async def add_account(self, account: Account) -> None:
        """Store a new account. Raises EMAIL_TAKEN or USERNAME_TAKEN."""
        await self._prepare()
        with available():
            try:
                await self._users.insert_one(
                    {
                        "_id": account.user_id,
                        "username": account.username,
                        "username_key": username_key(account.username),
                        **skeleton_fields(account.username),
                        "email": account.email,
                        "email_key": email_key(account.email),
                        "password_hash": account.password_hash,
                        "created_at": account.created_at,
                    }
                )
            except DuplicateKeyError as error:
                raise _taken(error) from None

    async def account(self, user_id: UserId) -> Account | None:
        """Return the account of a user."""
        with available():
            return _account(await self._users.find_one({"_id": user_id}, _WITHOUT_THE_LONG))

    async def account_by_email(self, email: str) -> Account | None:
        """Return the account with this email, however it is written."""
        with available():
            return _account(
                await self._users.find_one({"email_key": email_key(email)}, _WITHOUT_THE_LONG)
            )

    async def replace_hash(self, user_id: UserId, old: str, new: str) -> None:
        """Keep another hash of the same password, unless the password has changed."""
        with available():
            await self._users.update_one(
                {"_id": user_id, "password_hash": old}, {"$set": {"password_hash": new}}
            )

    async def people(self, user_ids: Sequence[UserId]) -> dict[UserId, Person]:
        """Return those users that exist."""
        with available():
            cursor = self._users.find({"_id": {"$in": list(user_ids)}}, _OF_A_PERSON)
            return {UserId(found["_id"]): _person(found) async for found in cursor}

    async def people_named(self, usernames: Iterable[str]) -> dict[UserId, Person]:
        """Return those users that have one of these names, however written, in this order."""
        keys = list(dict.fromkeys(map(username_key, usernames)))
        wanted = {"username_key": {"$in": keys}}
        with available():
            cursor = self._users.find(wanted, {**_OF_A_PERSON, "username_key": True})
            found = {user["username_key"]: user async for user in cursor}
        users = [found[key] for key in keys if key in found]
        return {UserId(user["_id"]): _person(user) for user in users}

    async def people_beginning(self, beginning: str, limit: int) -> dict[UserId, Person]:
        """Return the users whose names begin like this, the first in alphabetical order."""
        lowest = username_key(beginning)
        span = {"$gte": lowest, "$lt": lowest + _HIGHEST}
        with available():
            cursor = (
                self._users.find({"username_key": span}, _OF_A_PERSON)
                .sort("username_key", ASCENDING)
                .limit(limit)
            )
            return {UserId(found["_id"]): _person(found) async for found in cursor}

    async def _prepare(self) -> None:
        """Create the indexes; no account is stored before they are there to refuse a second."""
        if self._prepared:
            return
        async with self._preparing:
            with available():
                await self._users.create_index("username_key", unique=True)
                await self._users.create_index("email_key", unique=True)
                await create_skeleton_indexes(self._users)
                for name in ("login_attempts", "login_places"):
                    await self.database[name].create_index("expires_at", expireAfterSeconds=0)
                await self.database.login_places.create_index(
                    [("account", ASCENDING), ("expires_at", ASCENDING)]
                )
                await self.database.deleted_users.create_index("due_at", sparse=True)
            self._prepared = True


def _account(found: Document | None) -> Account | None:
    if found is None:
        return None
    factor = found.get("second_factor")
    return Account(
        UserId(found["_id"]),
        found["username"],
        found["email"],
        found["password_hash"],
        found["created_at"],
        found.get("password_changed_at"),
        found.get("display_name", ""),
        found.get("avatar", {}).get("id", ""),
        SecondFactor(factor["secret"], factor["last_step"]) if factor else None,
    )


def _person(found: Document) -> Person:
    return Person(
        found["username"],
        found.get("display_name", ""),
        found.get("avatar", {}).get("id", ""),
    )


def _taken(error: DuplicateKeyError) -> ChatterRoomError:
    pattern = (error.details or {}).get("keyPattern", {})
    if "email_key" in pattern:
        return ChatterRoomError(
            ErrorCode.EMAIL_TAKEN, "An account with this email already exists.", field="email"
        )
    return username_taken()
