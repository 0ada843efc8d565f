"""Accounts and sessions in MongoDB, in the user service's own database."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

import structlog
from pymongo import ASCENDING, AsyncMongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidURI,
    PyMongoError,
    WTimeoutError,
)

from chatterroom.core.cancellation import calls_ended, uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId
from chatterroom.core.settings import SettingsError
from chatterroom.users.accounts import Account, email_key, username_key
from chatterroom.users.sessions import RefreshToken, Session

__all__ = ["UserStore"]

log = structlog.get_logger()

_DEADLINE_MS = 1_800
_SELECTION_MS = 1_500
_RETRY_AFTER_S = 1.0
# Above every character that a username can contain.
_HIGHEST = "\U0010ffff"

Document = Mapping[str, Any]


@uncancelled
class UserStore:
    """The collections `users` and `sessions`.

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
            database = self._client.get_default_database()
        except (ConfigurationError, InvalidURI, ValueError):
            raise SettingsError(
                "the MongoDB URL of the user service is not valid, or names no database"
            ) from None
        self._users = database.users
        self._sessions = database.sessions
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await calls_ended(self)
        await self._client.close()

    async def is_ready(self) -> bool:
        """Say whether MongoDB answers and the indexes exist; never raises."""
        try:
            with _translated():
                await self._client.admin.command("ping")
            await self._prepare()
        except ChatterRoomError:
            return False
        return True

    async def add_account(self, account: Account) -> None:
        """Store a new account. Raises EMAIL_TAKEN or USERNAME_TAKEN."""
        await self._prepare()
        with _translated():
            try:
                await self._users.insert_one(
                    {
                        "_id": account.user_id,
                        "username": account.username,
                        "username_key": username_key(account.username),
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
        with _translated():
            return _account(await self._users.find_one({"_id": user_id}))

    async def account_by_email(self, email: str) -> Account | None:
        """Return the account with this email, however it is written."""
        with _translated():
            return _account(await self._users.find_one({"email_key": email_key(email)}))

    async def usernames(self, user_ids: Sequence[UserId]) -> dict[UserId, str]:
        """Return the usernames of those users that exist."""
        with _translated():
            cursor = self._users.find({"_id": {"$in": list(user_ids)}}, {"username": True})
            return {UserId(found["_id"]): found["username"] async for found in cursor}

    async def users_named(self, usernames: Iterable[str]) -> dict[UserId, str]:
        """Return those users that have one of these names, however written, in this order."""
        keys = list(dict.fromkeys(map(username_key, usernames)))
        wanted = {"username_key": {"$in": keys}}
        with _translated():
            cursor = self._users.find(wanted, {"username": True, "username_key": True})
            found = {user["username_key"]: user async for user in cursor}
        users = [found[key] for key in keys if key in found]
        return {UserId(user["_id"]): user["username"] for user in users}

    async def usernames_beginning(self, beginning: str, limit: int) -> dict[UserId, str]:
        """Return the first usernames, in their alphabetical order, that begin like this."""
        lowest = username_key(beginning)
        span = {"$gte": lowest, "$lt": lowest + _HIGHEST}
        with _translated():
            cursor = (
                self._users.find({"username_key": span}, {"username": True})
                .sort("username_key", ASCENDING)
                .limit(limit)
            )
            return {UserId(found["_id"]): found["username"] async for found in cursor}

    async def add_session(self, session: Session, token: RefreshToken) -> None:
        """Store a new session, to be continued with `token`."""
        await self._prepare()
        with _translated():
            await self._sessions.insert_one(
                {
                    "_id": session.session_id,
                    "user_id": session.user_id,
                    "device": session.origin.device,
                    "address": session.origin.address,
                    "family_hash": token.family_hash,
                    "secret_hash": token.secret_hash,
                    "created_at": session.created_at,
                    "last_seen_at": session.created_at,
                    "expires_at": session.expires_at,
                }
            )

    async def rotate(
        self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime
    ) -> UserId | None:
        """Let `new` take the place of `old`, for one caller only; None where `old` is not valid."""
        with _translated():
            session = await self._sessions.find_one_and_update(
                {
                    "_id": old.session_id,
                    "family_hash": old.family_hash,
                    "secret_hash": old.secret_hash,
                    # The TTL index deletes late.
                    "expires_at": {"$gt": now},
                },
                {
                    "$set": {
                        "secret_hash": new.secret_hash,
                        "last_seen_at": now,
                        "expires_at": expires_at,
                    }
                },
                projection={"user_id": True},
            )
        return UserId(session["user_id"]) if session else None

    async def end_family(self, token: RefreshToken) -> UserId | None:
        """End the session that a used token belongs to; return its user, or None."""
        with _translated():
            session = await self._sessions.find_one_and_delete(
                {"_id": token.session_id, "family_hash": token.family_hash},
                projection={"user_id": True},
            )
        return UserId(session["user_id"]) if session else None

    async def end_session(self, session_id: SessionId, user_id: UserId | None) -> UserId | None:
        """End a session, of this user if one is given; return its user, or None."""
        owner = {} if user_id is None else {"user_id": user_id}
        with _translated():
            session = await self._sessions.find_one_and_delete(
                {"_id": session_id, **owner}, projection={"user_id": True}
            )
        return UserId(session["user_id"]) if session else None

    async def _prepare(self) -> None:
        """Create the indexes; no account is stored before they are there to refuse a second."""
        if self._prepared:
            return
        async with self._preparing:
            with _translated():
                await self._users.create_index("username_key", unique=True)
                await self._users.create_index("email_key", unique=True)
                await self._sessions.create_index("user_id")
                await self._sessions.create_index("expires_at", expireAfterSeconds=0)
            self._prepared = True


def _account(found: Document | None) -> Account | None:
    if found is None:
        return None
    return Account(
        UserId(found["_id"]),
        found["username"],
        found["email"],
        found["password_hash"],
        found["created_at"],
    )


def _taken(error: DuplicateKeyError) -> ChatterRoomError:
    pattern = (error.details or {}).get("keyPattern", {})
    if "email_key" in pattern:
        return ChatterRoomError(
            ErrorCode.EMAIL_TAKEN, "an account with this email exists already", field="email"
        )
    return ChatterRoomError(
        ErrorCode.USERNAME_TAKEN, "an account with this username exists already", field="username"
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        away = isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError)
        if not away and not error.timeout:
            raise
        log.warning("storage_unavailable", reason=type(error).__name__)
        raise ChatterRoomError(
            ErrorCode.STORAGE_UNAVAILABLE,
            "accounts cannot be read or changed at the moment; try again",
            retry_after_s=_RETRY_AFTER_S,
        ) from None
