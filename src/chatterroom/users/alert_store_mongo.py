"""Alerts in MongoDB, kept until devices have seen them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import SessionId, UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.alerts import KeptAlert, caused_by
from chatterroom.users.database_mongo import IndexedStore

__all__ = ["AlertStore"]

log = structlog.get_logger()

MAX_KEPT = 100
KEPT_FOR = timedelta(days=30)
_DUPLICATE = 11000


@uncancelled
class AlertStore(IndexedStore):
    """The collection `alerts`, and each session's place in it.

    Of each user the newest hundred are kept, for thirty days. Raises STORAGE_UNAVAILABLE within
    two seconds while MongoDB is away.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        super().__init__()
        self._alerts = database.alerts
        self._sessions = database.sessions
        self._deleted = database.deleted_users

    async def add(self, alerts: Sequence[tuple[UserId, KeptAlert]], now: datetime) -> None:
        """Keep alerts, but none of deleted users; those that are kept already change nothing."""
        await self._prepare()
        documents = [
            {
                "_id": alert.alert_id,
                "user_id": user_id,
                "alert": msgspec.to_builtins(alert),
                "caused_by": caused_by(alert),
                "forget_at": now + KEPT_FOR,
            }
            for user_id, alert in alerts
        ]
        with available():
            try:
                await self._alerts.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                failures = (error.details or {}).get("writeErrors", [])
                if any(failure["code"] != _DUPLICATE for failure in failures):
                    raise
        users = list(dict.fromkeys(user_id for user_id, _ in alerts))
        for user_id in users:
            await self._trim(user_id)
        # Looked for behind the alerts: a deletion that is not seen here has yet to forget them.
        with available():
            deleted = self._deleted.find({"_id": {"$in": users}}, {"_id": True})
            gone = [each["_id"] async for each in deleted]
            if gone:
                await self._alerts.delete_many({"user_id": {"$in": gone}})

    async def unseen(self, user_id: UserId, session_id: SessionId) -> list[KeptAlert]:
        """Return what a session has neither acked nor caused, oldest first."""
        with available():
            session = await self._sessions.find_one({"_id": session_id}, {"alerts_acked": True})
            place = (session or {}).get("alerts_acked") or ""
            wanted = {
                "user_id": user_id,
                "_id": {"$gt": place},
                "caused_by": {"$ne": session_id},
            }
            cursor = self._alerts.find(wanted).sort("_id", ASCENDING).limit(MAX_KEPT)
            found = [_alert(each) async for each in cursor]
        return [alert for alert in found if alert is not None]

    async def ack(self, user_id: UserId, session_id: SessionId, alert_id: str) -> None:
        """Note that a session has seen an alert and all before it."""
        with available():
            # Only what there is: a made-up id must not hide what is still to come.
            if await self._alerts.find_one({"_id": alert_id, "user_id": user_id}, {"_id": True}):
                await self._sessions.update_one(
                    {"_id": session_id}, {"$max": {"alerts_acked": alert_id}}
                )
                await self._alerts.update_many(
                    {"user_id": user_id, "_id": {"$lte": alert_id}, "acked": None},
                    {"$set": {"acked": True}},
                )

    async def begin(self, user_id: UserId, session_id: SessionId) -> None:
        """Let a new session begin behind what any device of its user has acked."""
        with available():
            newest = await self._alerts.find_one(
                {"user_id": user_id, "acked": True}, {"_id": True}, sort=[("_id", DESCENDING)]
            )
            if newest is not None:
                await self._sessions.update_one(
                    {"_id": session_id}, {"$max": {"alerts_acked": newest["_id"]}}
                )

    async def forget(self, user_id: UserId) -> None:
        """Remove all alerts of a user."""
        with available():
            await self._alerts.delete_many({"user_id": user_id})

    async def _trim(self, user_id: UserId) -> None:
        with available():
            oldest_kept = await self._alerts.find_one(
                {"user_id": user_id},
                {"_id": True},
                sort=[("_id", DESCENDING)],
                skip=MAX_KEPT - 1,
            )
            if oldest_kept is not None:
                await self._alerts.delete_many(
                    {"user_id": user_id, "_id": {"$lt": oldest_kept["_id"]}}
                )

    async def _create_indexes(self) -> None:
        await self._alerts.create_index([("user_id", ASCENDING), ("_id", ASCENDING)])
        await self._alerts.create_index("forget_at", expireAfterSeconds=0)


def _alert(found: Mapping[str, Any]) -> KeptAlert | None:
    try:
        alert: KeptAlert = msgspec.convert(found["alert"], KeptAlert)
    except msgspec.ValidationError:
        # An instance of another version: what it means is not for us.
        log.warning("alert_not_understood")
        return None
    return alert
