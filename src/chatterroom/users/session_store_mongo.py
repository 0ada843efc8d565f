"""Sessions in MongoDB, and those that have been ended while tokens of theirs may be out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from chatterroom.auth.ended_sessions import EndedSession
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import SessionId, UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.database_mongo import IndexedStore
from chatterroom.users.sessions import Exchange, Origin, RefreshToken, Session

__all__ = ["SessionStore"]

Document = Mapping[str, Any]

# Clocks of instances differ a little, and answers with new tokens are under way for a while.
_SLACK = timedelta(minutes=2)
_DUPLICATE = 11000
# Of one session within the grace, more than its clients have reason for.
_MAX_EXCHANGES = 100


@uncancelled
class SessionStore(IndexedStore):
    """The collections `sessions` and `ended_sessions`.

    What is written is on the disks of a majority when a method returns. Every method raises
    STORAGE_UNAVAILABLE within two seconds while MongoDB is away; the write may have happened.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], token_lifetime_s: int) -> None:
        super().__init__()
        self._sessions = database.sessions
        self._ended = database.ended_sessions
        self._remembered_for = timedelta(seconds=token_lifetime_s) + _SLACK

    async def add(self, session: Session, token: RefreshToken) -> None:
        """Store a new session, to be continued with `token`."""
        await self._prepare()
        with available():
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
                    "password_set_at": session.password_set_at,
                }
            )

    async def rotate(
        self, token: RefreshToken, now: datetime, expires_at: datetime, grace: timedelta
    ) -> tuple[UserId, RefreshToken] | None:
        """Exchange a token; return the user and the newest token. None where it is not valid.

        Valid is the newest token of the session, which is exchanged for another, and each that was
        exchanged within `grace`, which leads to the newest and changes nothing.
        """
        exchange = Exchange.of(token, now)
        fresh = {"$gt": now - grace}
        is_newest = {"$eq": ["$secret_hash", exchange.secret_hash]}
        exchanges: Document = {
            "$filter": {
                "input": {"$ifNull": ["$exchanges", []]},
                "cond": {"$gt": ["$$this.exchanged_at", now - grace]},
            }
        }
        longer = {"$concatArrays": [exchanges, [{"$literal": asdict(exchange)}]]}
        secret_hash = token.successor(exchange.salt).secret_hash
        # One operation for both cases: a read would not see an exchange that is being replicated.
        with available():
            session = await self._sessions.find_one_and_update(
                {
                    "_id": token.session_id,
                    "family_hash": token.family_hash,
                    "$or": [
                        {"secret_hash": exchange.secret_hash},
                        {
                            "exchanges": {
                                "$elemMatch": {
                                    "secret_hash": exchange.secret_hash,
                                    "exchanged_at": fresh,
                                }
                            }
                        },
                    ],
                    # The TTL index deletes late.
                    "expires_at": {"$gt": now},
                },
                [
                    {
                        "$set": {
                            "exchanges": {
                                "$cond": [
                                    is_newest,
                                    {"$slice": [longer, -_MAX_EXCHANGES]},
                                    "$exchanges",
                                ]
                            },
                            "secret_hash": {"$cond": [is_newest, secret_hash, "$secret_hash"]},
                            "last_seen_at": now,
                            "expires_at": expires_at,
                        }
                    }
                ],
                projection={"user_id": True, "exchanges": True},
                return_document=ReturnDocument.AFTER,
            )
        if session is None:
            return None
        known = [Exchange(**each) for each in session["exchanges"]]
        return UserId(session["user_id"]), token.newest(known)

    async def of_family(self, token: RefreshToken) -> Session | None:
        """Return the session that a token, perhaps a used one, belongs to."""
        with available():
            found = await self._sessions.find_one(
                {"_id": token.session_id, "family_hash": token.family_hash}
            )
        return _session(found) if found else None

    async def find(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        """Return a session, of this user if one is given."""
        owner = {} if user_id is None else {"user_id": user_id}
        with available():
            found = await self._sessions.find_one({"_id": session_id, **owner})
        return _session(found) if found else None

    async def of_user(
        self, user_id: UserId, now: datetime, limit: int, before: SessionId | None = None
    ) -> list[Session]:
        """Return the newest sessions of a user that have not expired, newest first."""
        older: Document = {"_id": {"$lt": before}} if before else {}
        wanted = {"user_id": user_id, "expires_at": {"$gt": now}, **older}
        with available():
            cursor = self._sessions.find(wanted).sort("_id", DESCENDING).limit(limit)
            return [_session(each) async for each in cursor]

    async def beyond(self, newest: Session, most: int, limit: int) -> list[Session]:
        """Return the sessions of a user without `newest` and the `most - 1` others seen last."""
        others = {"user_id": newest.user_id, "_id": {"$ne": newest.session_id}}
        with available():
            cursor = self._sessions.find(others)
            cursor = cursor.sort([("last_seen_at", DESCENDING), ("_id", DESCENDING)])
            return [_session(each) async for each in cursor.skip(most - 1).limit(limit)]

    async def others(self, user_id: UserId, but: SessionId | None, limit: int) -> list[Session]:
        """Return sessions of a user other than `but`, newest first."""
        with available():
            cursor = self._sessions.find({"user_id": user_id, "_id": {"$ne": but}})
            return [_session(each) async for each in cursor.sort("_id", DESCENDING).limit(limit)]

    async def of_earlier_passwords(
        self, user_id: UserId, password_set_at: datetime, but: SessionId | None, limit: int
    ) -> list[Session]:
        """Return sessions begun with another password than the present one, newest first."""
        wanted = {
            "user_id": user_id,
            "_id": {"$ne": but},
            "password_set_at": {"$ne": password_set_at},
        }
        with available():
            cursor = self._sessions.find(wanted).sort("_id", DESCENDING).limit(limit)
            return [_session(each) async for each in cursor]

    async def touch(self, session_ids: Sequence[SessionId], now: datetime) -> None:
        """Note that sessions have been used."""
        with available():
            await self._sessions.update_many(
                {"_id": {"$in": list(session_ids)}}, {"$max": {"last_seen_at": now}}
            )

    async def end(self, sessions: Sequence[Session], now: datetime) -> list[EndedSession]:
        """End sessions, all at once; return what is to be known."""
        await self._prepare()
        forget_at = now + self._remembered_for
        # Known as ended before they are gone: after a crash in between, a repeat finds them.
        await self._mark_ended(sessions, forget_at)
        with available():
            ids = [session.session_id for session in sessions]
            await self._sessions.delete_many({"_id": {"$in": ids}})
        return [
            EndedSession(session.session_id, session.user_id, forget_at.timestamp())
            for session in sessions
        ]

    async def ended_since(
        self, moment: datetime, after: SessionId, limit: int
    ) -> list[tuple[datetime, EndedSession]]:
        """Return ends behind `moment` and, of that moment, behind `after`, earliest first.

        The clock is MongoDB's. Sessions that are ended together have one moment.
        """
        behind = {
            "$or": [{"ended_at": {"$gt": moment}}, {"ended_at": moment, "_id": {"$gt": after}}]
        }
        with available():
            cursor = self._ended.find(behind)
            cursor = cursor.sort([("ended_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
            return [
                (
                    each["ended_at"],
                    EndedSession(
                        SessionId(each["_id"]),
                        UserId(each["user_id"]),
                        each["forget_at"].timestamp(),
                    ),
                )
                async for each in cursor
            ]

    async def _mark_ended(self, sessions: Sequence[Session], forget_at: datetime) -> None:
        # The clock of MongoDB is one for all instances: those who look for news rely on it.
        marks = [
            UpdateOne(
                {"_id": session.session_id},
                [
                    {
                        "$set": {
                            "user_id": session.user_id,
                            "ended_at": {"$ifNull": ["$ended_at", "$$NOW"]},
                            "forget_at": forget_at,
                        }
                    }
                ],
                upsert=True,
            )
            for session in sessions
        ]
        with available():
            try:
                await self._ended.bulk_write(marks, ordered=False)
            except BulkWriteError as error:
                # Duplicates: another instance has just done the same.
                failures = error.details["writeErrors"]
                if error.details["writeConcernErrors"] or any(
                    failure["code"] != _DUPLICATE for failure in failures
                ):
                    raise

    async def _create_indexes(self) -> None:
        await self._sessions.create_index([("user_id", ASCENDING), ("_id", DESCENDING)])
        await self._sessions.create_index("expires_at", expireAfterSeconds=0)
        await self._ended.create_index([("ended_at", ASCENDING), ("_id", ASCENDING)])
        await self._ended.create_index("forget_at", expireAfterSeconds=0)


def _session(found: Document) -> Session:
    return Session(
        SessionId(found["_id"]),
        UserId(found["user_id"]),
        Origin(found["device"], found["address"]),
        found["created_at"],
        found["expires_at"],
        found["last_seen_at"],
        found.get("password_set_at"),
    )
