"""Contact settings, message requests and invitations in the chat service's MongoDB database.

contact_settings     whom each user lets in without accepting; absent where everyone may
room_invitations     one for each invitee and room, for thirty days
memberships          `request` marks those that are not accepted: "pending" or "declined"
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.documents_mongo import Document, membership_id
from chatterroom.chat.requests import (
    INVITATION_DAYS,
    MAX_INVITATIONS,
    MAX_MESSAGE_REQUESTS,
    ContactSettings,
    Invitation,
    Request,
)
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import ClientId, ConversationId, RoomId, UserId, message_id
from chatterroom.storage.availability_mongo import available

__all__ = ["RequestStore"]

_PREVIEW_CHARACTERS = 200

Cursor = tuple[datetime, ConversationId]
"""Where a page of requests ends: its last one."""


@uncancelled
class RequestStore:
    """All methods raise `StorageUnavailableError`."""

    def __init__(self, database: "AsyncDatabase[Document]") -> None:
        self._settings = database["contact_settings"]
        self._invitations = database["room_invitations"]
        self._memberships = database["memberships"]
        self._messages = database["private_messages"]
        self._rooms = database["rooms"]

    async def prepare(self) -> None:
        """Create what indexes are missing."""
        kept_s = int(timedelta(days=INVITATION_DAYS).total_seconds())
        with available():
            await self._invitations.create_index(
                [("user_id", 1), ("state", 1), ("invited_at", 1), ("room_id", 1)], name="user"
            )
            await self._invitations.create_index(
                "invited_at", name="expiry", expireAfterSeconds=kept_s
            )
            await self._memberships.create_index(
                [("user_id", 1), ("request", 1), ("added_at", 1), ("conversation_id", 1)],
                name="requests",
                partialFilterExpression={"request": {"$exists": True}},
            )

    # Contact settings

    async def settings(self, user_id: UserId) -> ContactSettings:
        """Return a user's settings."""
        return (await self.settings_of([user_id]))[user_id]

    async def settings_of(self, user_ids: Collection[UserId]) -> dict[UserId, ContactSettings]:
        """Return the settings of each user."""
        with available():
            found = {
                document["_id"]: msgspec.convert(document, ContactSettings)
                async for document in self._settings.find({"_id": {"$in": list(user_ids)}})
            }
        return {user_id: found.get(user_id, ContactSettings()) for user_id in user_ids}

    async def change_settings(self, user_id: UserId, changes: dict[str, str]) -> ContactSettings:
        """Store what changes; return all settings."""
        with available():
            document = await self._settings.find_one_and_update(
                {"_id": user_id},
                {"$set": changes},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return msgspec.convert(document, ContactSettings)

    # Requests

    async def open_message_requests(self, user_id: UserId) -> int:
        """Return how many message requests wait for a user's answer, or the most there may be."""
        return await self._count(
            self._memberships, {"user_id": user_id, "request": "pending"}, MAX_MESSAGE_REQUESTS
        )

    async def open_invitations(self, user_id: UserId) -> int:
        """Return how many invitations wait for a user's answer, or the most there may be."""
        return await self._count(
            self._invitations, {"user_id": user_id, "state": "pending"}, MAX_INVITATIONS
        )

    async def page(
        self, user_id: UserId, limit: int, after: Cursor | None
    ) -> tuple[list[Request], int]:
        """Return the open requests that follow `after`, newest first, and how many are open."""
        requests = [
            *await self._message_requests(user_id, limit, after),
            *await self._open_invitations(user_id, limit, after),
        ]
        requests.sort(key=lambda each: (each.created_at, each.conversation_id), reverse=True)
        total = await self.open_message_requests(user_id)
        total += await self.open_invitations(user_id)
        return requests[:limit], total

    async def accept_message_request(
        self, user_id: UserId, conversation_id: ConversationId
    ) -> bool:
        """Let a user take part in a private chat; False where there is none that waits."""
        with available():
            # Sweeps find it among the memberships that have just begun.
            updated = await self._memberships.update_one(
                {
                    "_id": membership_id(user_id, conversation_id),
                    "request": {"$exists": True},
                },
                {"$unset": {"request": ""}, "$currentDate": {"added_at": True}},
            )
        return updated.matched_count > 0

    async def decline(self, user_id: UserId, conversation_id: ConversationId) -> bool:
        """Take a request out of a user's list for good; False where none waits."""
        with available():
            updated = await self._memberships.update_one(
                {"_id": membership_id(user_id, conversation_id), "request": "pending"},
                {"$set": {"request": "declined"}},
            )
            if not updated.matched_count:
                updated = await self._invitations.update_one(
                    {"_id": membership_id(user_id, conversation_id), "state": "pending"},
                    {"$set": {"state": "declined"}},
                )
        return updated.matched_count > 0

    async def decline_all_of(self, user_id: UserId, other: UserId) -> list[ConversationId]:
        """Decline all that another user has asked; return the conversations."""
        with available():
            found = [
                (self._memberships, "request", document["_id"], document["conversation_id"])
                async for document in self._memberships.find(
                    {"user_id": user_id, "request": "pending", "peer_id": other}
                )
            ]
            found += [
                (self._invitations, "state", document["_id"], document["room_id"])
                async for document in self._invitations.find(
                    {"user_id": user_id, "state": "pending", "inviter_id": other}
                )
            ]
            for collection, field, id_, _ in found:
                await collection.update_one({"_id": id_}, {"$set": {field: "declined"}})
        return [conversation_id for _, _, _, conversation_id in found]

    # Invitations

    async def invite(self, invitations: Sequence[Invitation]) -> list[UserId]:
        """Store invitations; return who has not been invited to that room before.

        What was declined stays so, and an open one becomes that of the last who invites.
        """
        new: list[UserId] = []
        for each in invitations:
            with available():
                stored = await self._invitations.find_one_and_update(
                    {"_id": membership_id(each.user_id, ConversationId(each.room_id))},
                    {
                        "$set": {"inviter_id": each.inviter_id, "client_id": each.client_id},
                        "$setOnInsert": {
                            "user_id": each.user_id,
                            "room_id": each.room_id,
                            "state": "pending",
                            "invited_at": each.invited_at,
                        },
                    },
                    upsert=True,
                )
            if stored is None:
                new.append(each.user_id)
        return new

    async def invitation(self, user_id: UserId, room_id: RoomId) -> Invitation | None:
        """Return a user's invitation to a room, or None."""
        with available():
            found = await self._invitations.find_one(
                {"_id": membership_id(user_id, ConversationId(room_id))}
            )
        return _invitation_of(found) if found else None

    async def end_invitation(self, user_id: UserId, room_id: RoomId) -> None:
        """Forget an invitation."""
        with available():
            await self._invitations.delete_one(
                {"_id": membership_id(user_id, ConversationId(room_id))}
            )

    async def forget_user(self, user_id: UserId) -> None:
        """Delete what is kept here about a user whose account is gone."""
        with available():
            await self._settings.delete_one({"_id": user_id})
            await self._invitations.delete_many({"user_id": user_id})

    async def _message_requests(
        self, user_id: UserId, limit: int, after: Cursor | None
    ) -> list[Request]:
        query = {"user_id": user_id, "request": "pending", **_following(after, "added_at")}
        with available():
            found = [
                document
                async for document in self._memberships.find(query)
                .sort([("added_at", -1), ("conversation_id", -1)])
                .limit(limit)
            ]
            # The first entry of a private chat is always a message.
            firsts = [message_id(document["conversation_id"], 1) for document in found]
            beginning = {"$substrCP": ["$message", 0, _PREVIEW_CHARACTERS]}
            previews = {
                message["conversation_id"]: message["message"]
                async for message in self._messages.find(
                    {"_id": {"$in": firsts}}, {"conversation_id": 1, "message": beginning}
                )
            }
        return [
            Request(
                document["conversation_id"],
                document["peer_id"],
                document["added_at"],
                preview=previews.get(document["conversation_id"], ""),
            )
            for document in found
        ]

    async def _open_invitations(
        self, user_id: UserId, limit: int, after: Cursor | None
    ) -> list[Request]:
        query = {
            "user_id": user_id,
            "state": "pending",
            **_following(after, "invited_at", "room_id"),
        }
        with available():
            found = [
                _invitation_of(document)
                async for document in self._invitations.find(query)
                .sort([("invited_at", -1), ("room_id", -1)])
                .limit(limit)
            ]
            names = {
                room["_id"]: room["room_name"]
                async for room in self._rooms.find(
                    {"_id": {"$in": [each.room_id for each in found]}}, {"room_name": 1}
                )
            }
        return [
            Request(
                ConversationId(each.room_id),
                each.inviter_id,
                each.invited_at,
                room_name=names.get(each.room_id, ""),
            )
            for each in found
        ]

    async def _count(self, collection: Any, query: Document, most: int) -> int:
        with available():
            counted: int = await collection.count_documents(query, limit=most)
        return counted


def _following(after: Cursor | None, time: str, id_: str = "conversation_id") -> Document:
    """Return what comes after a place in an order by time and id, newest first, fulfils."""
    if after is None:
        return {}
    moment, conversation_id = after
    return {"$or": [{time: {"$lt": moment}}, {time: moment, id_: {"$lt": conversation_id}}]}


def _invitation_of(document: Document) -> Invitation:
    return Invitation(
        document["user_id"],
        document["room_id"],
        document["inviter_id"],
        ClientId(document["client_id"]),
        document["invited_at"],
    )
