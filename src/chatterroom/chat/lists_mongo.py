"""Pages of what a user can list, each found by an index and costing what it shows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.bounded_mongo import read_bounded
from chatterroom.chat.documents_mongo import (
    Document,
    listed_of,
    membership_id,
    membership_of,
    newest_entries,
)
from chatterroom.chat.entries import MessagePosted, Role, RoomSettings
from chatterroom.chat.memberships import Listed, Membership, Overview
from chatterroom.chat.pages import ENVELOPE_BYTES, MAX_PAGE_BYTES, entry_bytes, fitting
from chatterroom.chat.places_mongo import Span, seqs_of_messages
from chatterroom.chat.unread import NewestEntry, own_index
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import ConversationId, UserId, is_private, message_id
from chatterroom.storage.availability_mongo import available

__all__ = ["ListedMember", "MongoLists", "RoomDetails", "Row"]

# More than others write before one's own mark is stored.
_LOOKED_AT = 10
# How many deleted messages of one conversation are counted, at most.
_MAX_DELETED = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation on its way into a list, without its newest message."""

    membership: Membership
    stored_at: datetime | None
    """Where the index has it."""
    last_activity_at: datetime
    """Where it belongs: when the newest message was written, or the user came in."""
    room_name: str
    hides_past: bool
    seq: int
    message_index: int
    last: Span | None
    """Where its newest message is."""
    own_index: int
    """The number of the user's newest message, if that is not long ago."""


@dataclass(frozen=True, slots=True)
class RoomDetails:
    """A room without its members."""

    room_name: str
    creator_id: UserId
    created_at: datetime
    settings: RoomSettings
    member_count: int
    seq: int
    message_index: int


@dataclass(frozen=True, slots=True)
class ListedMember:
    """Somebody in a conversation; `role` is None in private chats."""

    membership: Membership
    role: Role | None


@uncancelled
class MongoLists:
    """Reads `memberships` by their indexes, and of the conversations what a page shows."""

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._database = database
        self._memberships = database["memberships"]
        self._rooms = database["rooms"]

    async def prepare(self) -> None:
        """Create the index that is missing."""
        with available():
            await self._memberships.create_index(
                [("user_id", 1), ("request", 1), ("active_at", -1), ("_id", -1)],
                name="user_activity",
            )

    async def listed(
        self, user_id: UserId, limit: int, below: tuple[datetime, ConversationId] | None
    ) -> list[Listed]:
        """Return the newest memberships by stored activity, below a place where given. Requests
        that wait are none."""
        wanted: Document = {"user_id": user_id, "request": None}
        if below is not None:
            at, conversation_id = below
            # Not "at or before": that would leave out memberships without any.
            wanted["active_at"] = {"$not": {"$gt": at}}
            further = {"_id": {"$lt": membership_id(user_id, conversation_id)}}
            wanted["$or"] = [{"active_at": {"$ne": at}}, further]
        with available():
            found = self._memberships.find(wanted, batch_size=limit + 1)
            found = found.sort([("active_at", -1), ("_id", -1)]).limit(limit)
            return [listed_of(document) async for document in found]

    async def listed_of(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> list[Listed]:
        """Return the user's memberships of some conversations, as far as there are any."""
        ids = [membership_id(user_id, conversation_id) for conversation_id in conversation_ids]
        with available():
            wanted = {"_id": {"$in": ids}, "request": None}
            found = self._memberships.find(wanted, batch_size=len(ids) + 1)
            return [listed_of(document) async for document in found]

    async def rows(self, listed: Sequence[Listed]) -> list[Row]:
        """Look up what the order of a list needs, and what is small."""
        rooms = list({id_ for each in listed if not is_private(id_ := each.conversation_id)})
        chats = list({id_ for each in listed if is_private(id_ := each.conversation_id)})
        with available():
            named, in_rooms, in_chats = await asyncio.gather(
                self._named(rooms),
                self._newest("room_messages", rooms),
                self._newest("private_messages", chats),
            )
        newest = in_rooms | in_chats
        return [
            _row(each, named.get(each.conversation_id), newest.get(each.conversation_id, []))
            for each in listed
        ]

    async def overviews(
        self, rows: Sequence[Row], max_bytes: int = MAX_PAGE_BYTES
    ) -> list[Overview]:
        """Return the first rows with their newest messages, as many as fit: one at least."""
        with available():
            in_rooms, in_chats = await asyncio.gather(
                self._last_messages("room_messages", rows, max_bytes, private=False),
                self._last_messages("private_messages", rows, max_bytes, private=True),
            )
        messages = in_rooms | in_chats
        overviews: list[Overview] = []
        for row in rows:
            if row.last is not None and row.membership.conversation_id not in messages:
                break
            overviews.append(_overview(row, messages.get(row.membership.conversation_id)))
        return overviews[: fitting(overviews, _overview_bytes, max_bytes)]

    async def deleted_above(
        self, indexes: Mapping[ConversationId, int]
    ) -> dict[ConversationId, int]:
        """Return how many messages with higher numbers than these were deleted, 10,000 at most."""
        with available():
            in_rooms, in_chats = await asyncio.gather(
                self._deleted("room_messages", indexes, private=False),
                self._deleted("private_messages", indexes, private=True),
            )
        return in_rooms | in_chats

    async def newest_entries(self, conversation_id: ConversationId) -> list[NewestEntry]:
        """Return the newest entries of a conversation, newest first."""
        collection = "private_messages" if is_private(conversation_id) else "room_messages"
        with available():
            found = await self._newest(collection, [conversation_id])
        return _newest_of(found.get(conversation_id, []))

    async def room(self, conversation_id: ConversationId) -> RoomDetails | None:
        """Return a room, without reading its members; None where there is none."""
        shown = ("room_name", "creator_id", "created_at", "settings", "seq", "message_index")
        # Documents of earlier versions do not say how many members they hold.
        count = {"$ifNull": ["$member_count", {"$size": "$members"}]}
        pipeline: list[Document] = [
            {"$match": {"_id": conversation_id}},
            {"$project": {**dict.fromkeys(shown, 1), "member_count": count}},
        ]
        with available():
            heads = await self._newest("room_messages", [conversation_id], 1)
            found = [room async for room in await self._rooms.aggregate(pipeline)]
        if not found:
            return None
        room = found[0]
        head = next(iter(heads.get(conversation_id, [])), room)
        return RoomDetails(
            room["room_name"],
            room["creator_id"],
            room["created_at"],
            msgspec.convert(room["settings"], RoomSettings),
            room["member_count"],
            max(room["seq"], head["seq"]),
            max(room["message_index"], head["message_index"]),
        )

    async def members(
        self, conversation_id: ConversationId, limit: int, after: UserId | None = None
    ) -> list[ListedMember]:
        """Return members by id, those after one where given."""
        wanted: Document = {"conversation_id": conversation_id}
        if after is not None:
            wanted["user_id"] = {"$gt": after}
        with available():
            found = self._memberships.find(wanted, batch_size=limit + 1)
            documents = [each async for each in found.sort("user_id", 1).limit(limit)]
            roles = await self._roles(
                conversation_id, [each["user_id"] for each in documents if "role" not in each]
            )
            joined = await self._joined_indexes(
                conversation_id, [each["joined_seq"] for each in documents if _lacks_index(each)]
            )
        return [
            ListedMember(
                membership_of({"joined_index": joined.get(each["joined_seq"], 0), **each}),
                each.get("role") or roles.get(each["user_id"]),
            )
            for each in documents
        ]

    async def role(self, user_id: UserId, conversation_id: ConversationId) -> Role | None:
        """Return what a user is in a room; None for somebody who is not in it."""
        with available():
            found = await self._memberships.find_one(
                {"_id": membership_id(user_id, conversation_id)}, {"role": 1}
            )
            if found is None or "role" in found:
                return found["role"] if found else None
            return (await self._roles(conversation_id, [user_id])).get(user_id)

    async def pins(
        self, conversation_id: ConversationId, limit: int, before: int | None, floor: int = 0
    ) -> tuple[list[MessagePosted], bool]:
        """Return the newest pinned messages, below a seq where given, oldest first; and whether
        more follow. None up to the seq `floor`. Bounded as histories are."""
        seqs: Document = {"$gt": floor} if before is None else {"$gt": floor, "$lt": before}
        stages: list[Document] = [
            {"$match": {"conversation_id": conversation_id, "pinned": True, "seq": seqs}},
            {"$sort": {"seq": -1}},
        ]
        collection = "private_messages" if is_private(conversation_id) else "room_messages"
        with available():
            documents, more = await read_bounded(
                self._database[collection], stages, limit, MAX_PAGE_BYTES
            )
        pins = [msgspec.convert(document, MessagePosted) for document in documents]
        count = fitting(pins, entry_bytes, MAX_PAGE_BYTES)
        return pins[:count][::-1], more or count < len(pins)

    async def _roles(
        self, conversation_id: ConversationId, user_ids: Sequence[UserId]
    ) -> dict[UserId, Role]:
        """Return the roles that only the room has: its memberships are of an earlier version."""
        if not user_ids or is_private(conversation_id):
            return {}
        asked = {"input": "$members", "cond": {"$in": ["$$this.user_id", list(user_ids)]}}
        pipeline: list[Document] = [
            {"$match": {"_id": conversation_id}},
            {"$project": {"members": {"$filter": asked}}},
        ]
        return {
            member["user_id"]: member["role"]
            async for room in await self._rooms.aggregate(pipeline)
            for member in room["members"]
        }

    async def _joined_indexes(
        self, conversation_id: ConversationId, seqs: Sequence[int]
    ) -> dict[int, int]:
        """Return how many messages there were before these entries, with which memberships of an
        earlier version have begun."""
        if not seqs:
            return {}
        collection = "private_messages" if is_private(conversation_id) else "room_messages"
        ids = [message_id(conversation_id, seq) for seq in set(seqs)]
        fields = {"seq": 1, "type": 1, "message_index": 1}
        found = self._database[collection].find(
            {"_id": {"$in": ids}}, fields, batch_size=len(ids) + 1
        )
        return {
            each["seq"]: each["message_index"] - (each["type"] == "message") async for each in found
        }

    async def _named(self, rooms: list[ConversationId]) -> dict[ConversationId, Document]:
        if not rooms:
            return {}
        found = self._rooms.find(
            {"_id": {"$in": rooms}},
            {"room_name": 1, "settings.history": 1},
            batch_size=len(rooms) + 1,
        )
        return {room["_id"]: room async for room in found}

    async def _newest(
        self, collection: str, ids: list[ConversationId], limit: int = _LOOKED_AT
    ) -> dict[ConversationId, list[Document]]:
        """Return the newest entries of each conversation, newest first, without their texts."""
        if not ids:
            return {}
        pipeline: list[Document] = [
            {"$documents": [{"_id": id_} for id_ in ids]},
            newest_entries(
                collection,
                "newest",
                "$_id",
                limit=limit,
                fields=("type", "seq", "message_index", "sender_id", "created_at"),
            ),
        ]
        found = await self._database.aggregate(pipeline, batchSize=len(ids) + 1)
        return {row["_id"]: row["newest"] async for row in found}

    async def _deleted(
        self, collection: str, indexes: Mapping[ConversationId, int], *, private: bool
    ) -> dict[ConversationId, int]:
        places = [
            {"_id": id_, "above": index}
            for id_, index in indexes.items()
            if is_private(id_) is private
        ]
        if not places:
            return {}
        within = {
            "$and": [
                {"$eq": ["$conversation_id", "$$conversation"]},
                {"$gt": ["$message_index", "$$above"]},
            ]
        }
        counted = {
            "from": collection,
            "let": {"conversation": "$_id", "above": "$above"},
            "pipeline": [
                {"$match": {"deleted": True, "$expr": within}},
                {"$limit": _MAX_DELETED},
                {"$count": "count"},
            ],
            "as": "deleted",
        }
        pipeline: list[Document] = [{"$documents": places}, {"$lookup": counted}]
        found = await self._database.aggregate(pipeline, batchSize=len(places) + 1)
        return {row["_id"]: row["deleted"][0]["count"] async for row in found if row["deleted"]}

    async def _last_messages(
        self, collection: str, rows: Sequence[Row], max_bytes: int, *, private: bool
    ) -> dict[ConversationId, MessagePosted]:
        """Return the newest message of each conversation of a kind, as many as fit."""
        spans = {
            row.membership.conversation_id: row.last
            for row in rows
            if row.last is not None and is_private(row.membership.conversation_id) is private
        }
        if not spans:
            return {}
        entries = self._database[collection]
        seqs = await seqs_of_messages(entries, spans)
        ids = [message_id(conversation_id, seqs[conversation_id]) for conversation_id in spans]
        stages: list[Document] = [{"$match": {"_id": {"$in": ids}}}]
        found, _ = await read_bounded(entries, stages, len(ids), max_bytes, ids)
        return {
            document["conversation_id"]: msgspec.convert(document, MessagePosted)
            for document in found
        }


def _row(listed: Listed, room: Document | None, newest: Sequence[Document]) -> Row:
    membership = listed.membership
    head: Document = newest[0] if newest else {"seq": 0, "message_index": 0}
    messages = [entry for entry in newest if entry["type"] == "message"]
    moments = [membership.added_at, listed.active_at or membership.added_at]
    last: Span | None = None
    if messages:
        moments.append(messages[0]["created_at"])
        seq = messages[0]["seq"]
        last = Span(head["message_index"], seq - 1, seq)
    elif head["message_index"]:
        last = Span(head["message_index"], 0, newest[-1]["seq"])
        if listed.active_at is None:
            moments.append(head["created_at"])
    return Row(
        membership,
        listed.active_at,
        max(moments),
        room["room_name"] if room else "",
        room is not None and room["settings"]["history"] == "since_joining",
        head["seq"],
        head["message_index"],
        last,
        own_index(membership.user_id, _newest_of(newest)),
    )


def _newest_of(documents: Sequence[Document]) -> list[NewestEntry]:
    return [
        NewestEntry(each["type"] == "message", each["message_index"], each["sender_id"])
        for each in documents
    ]


def _lacks_index(document: Document) -> bool:
    return "joined_index" not in document


def _overview(row: Row, last: MessagePosted | None) -> Overview:
    if last is not None and row.hides_past and last.seq <= row.membership.joined_seq:
        last = None
    return Overview(
        row.membership,
        row.room_name,
        row.seq,
        row.message_index,
        row.last_activity_at,
        last,
    )


def _overview_bytes(overview: Overview) -> int:
    last = 0 if overview.last_message is None else entry_bytes(overview.last_message)
    return last + ENVELOPE_BYTES + len(msgspec.json.encode(overview.room_name))
