"""Pages of what was said in a conversation, and on request of what else happened there.

Messages share a log with what happens to them, of which there may be any amount. A page looks
through a bounded part of it; where that has no message, the next one is searched for by its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.bounded_mongo import read_bounded
from chatterroom.chat.documents_mongo import Document, entries_above, entry_of
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.chat.pages import MAX_PAGE_BYTES, entry_bytes, fitting
from chatterroom.chat.places_mongo import Span, seqs_of_messages
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ConversationId, is_private, message_id, place_of
from chatterroom.storage.availability_mongo import available

__all__ = ["MongoHistories"]

# Entries that one page looks through.
_SCANNED = 1_000
# So often where it looks for more than messages and has found nothing.
_SCANS = 10
# What happens to the conversation, and what people are shown between its messages.
_NOTICES = (
    "message",
    "room_created",
    "room_updated",
    "member_added",
    "member_left",
    "member_removed",
    "role_changed",
    "message_pinned",
    "message_unpinned",
)
_TYPES: dict[str, tuple[str, ...]] = {"messages": ("message",), "notices": _NOTICES, "all": ()}


@dataclass(frozen=True, slots=True)
class _Range:
    """The seqs above `low` and, where it is given, below `high`, read in a direction."""

    conversation_id: ConversationId
    low: int
    high: int | None
    direction: int

    @property
    def wanted(self) -> Document:
        """What their documents fulfil."""
        bounds = entries_above(self.conversation_id, self.low)
        if self.high is not None:
            bounds["$lt"] = message_id(self.conversation_id, self.high)
        return {"_id": bounds}


@uncancelled
class MongoHistories:
    """Reads messages from the logs."""

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]") -> None:
        self._room_messages = database["room_messages"]
        self._private_messages = database["private_messages"]

    async def page(
        self,
        conversation_id: ConversationId,
        limit: int,
        before: int | None,
        after: int | None,
        *,
        floor: int = 0,
        max_bytes: int = MAX_PAGE_BYTES,
    ) -> tuple[list[MessagePosted], bool]:
        """Return messages, oldest first, and whether more follow in the direction of paging.

        With `after` the oldest above that seq; else the newest, below `before` where given. None
        up to the seq `floor`. At most `limit`, and no more than `max_bytes` as JSON, but at least
        one where there is one.
        """
        low = floor if after is None else max(after, floor)
        seqs = _Range(conversation_id, low, before, -1 if after is None else 1)
        with available():
            documents, more = await self._messages(seqs, limit, max_bytes)
        page = [msgspec.convert(document, MessagePosted) for document in documents]
        count = fitting(page, entry_bytes, max_bytes)
        more, page = more or count < len(page), page[:count]
        return (page if seqs.direction == 1 else page[::-1]), more

    async def entries_page(
        self,
        conversation_id: ConversationId,
        limit: int,
        before: int | None,
        after: int | None,
        *,
        kind: str,
        floor: int = 0,
        max_bytes: int = MAX_PAGE_BYTES,
    ) -> tuple[list[Entry], bool]:
        """Return entries, messages among them, as `page` returns messages.

        `kind` "notices" leaves out edits, deletions and reactions, which messages carry; "all"
        nothing. Notices between more than 10,000 of these may be left out. Raises INVALID_REQUEST.
        """
        types = _checked_types(kind)
        low = floor if after is None else max(after, floor)
        seqs = _Range(conversation_id, low, before, -1 if after is None else 1)
        with available():
            documents, more = await self._of_types(seqs, types, limit, max_bytes)
        page = [entry_of(document) for document in documents]
        count = fitting(page, entry_bytes, max_bytes)
        more, page = more or count < len(page), page[:count]
        return (page if seqs.direction == 1 else page[::-1]), more

    async def _of_types(
        self, seqs: _Range, types: Sequence[str], limit: int, max_bytes: int
    ) -> tuple[list[Document], bool]:
        entries = self._entries(seqs.conversation_id)
        wanted: list[Document] = [{"$match": {"type": {"$in": types}}}] if types else []
        for _ in range(_SCANS):
            stages: list[Document] = [
                {"$match": seqs.wanted},
                {"$sort": {"_id": seqs.direction}},
                {"$limit": _SCANNED},
                *wanted,
            ]
            found, more = await read_bounded(entries, stages, limit, max_bytes)
            if more:
                return found, True
            first = await self._first_beyond(seqs)
            if found or first is None:
                return found, first is not None
            seqs = (
                replace(seqs, high=first + 1)
                if seqs.direction < 0
                else replace(seqs, low=first - 1)
            )
        return await self._messages(seqs, limit, max_bytes)

    async def _messages(
        self, seqs: _Range, limit: int, max_bytes: int
    ) -> tuple[list[Document], bool]:
        entries = self._entries(seqs.conversation_id)
        stages: list[Document] = [
            {"$match": seqs.wanted},
            {"$sort": {"_id": seqs.direction}},
            {"$limit": _SCANNED},
            {"$match": {"type": "message"}},
        ]
        found, more = await read_bounded(entries, stages, limit, max_bytes)
        if more or (found and seqs.direction < 0 and found[-1]["message_index"] == 1):
            return found, more
        further = await self._next_beyond(seqs)
        if found or further is None:
            return found, further is not None
        if seqs.direction < 0:
            return await self._messages(replace(seqs, high=further + 1), limit, max_bytes)
        return await self._messages(replace(seqs, low=further - 1), limit, max_bytes)

    async def _next_beyond(self, seqs: _Range) -> int | None:
        """Return the seq of the next message behind what a page looks through, or None."""
        conversation_id = seqs.conversation_id
        entries = self._entries(conversation_id)
        first = await self._first_beyond(seqs)
        if first is None:
            return None
        if seqs.direction < 0:
            below, upto = seqs.low, first
            index = await self._index_at(conversation_id, upto)
            if index == await self._index_at(conversation_id, below):
                return None
        else:
            below, upto = first - 1, await self._newest(seqs)
            index = 1 + await self._index_at(conversation_id, below)
            if index > await self._index_at(conversation_id, upto):
                return None
        found = await seqs_of_messages(entries, {conversation_id: Span(index, below, upto)})
        return found[conversation_id]

    async def _first_beyond(self, seqs: _Range) -> int | None:
        """Return the seq of the next entry behind what a page looks through, or None."""
        entries = self._entries(seqs.conversation_id)
        beyond = entries.find(seqs.wanted, {"_id": 1}).sort("_id", seqs.direction).skip(_SCANNED)
        ids = [document["_id"] async for document in beyond.limit(1)]
        return place_of(ids[0])[1] if ids else None

    async def _newest(self, seqs: _Range) -> int:
        found = await self._entries(seqs.conversation_id).find_one(
            seqs.wanted, {"seq": 1}, sort=[("_id", -1)]
        )
        return found["seq"] if found else seqs.low

    async def _index_at(self, conversation_id: ConversationId, seq: int) -> int:
        """Return how many messages there are up to a seq."""
        id_ = message_id(conversation_id, seq)
        found = await self._entries(conversation_id).find_one({"_id": id_}, {"message_index": 1})
        return found["message_index"] if found else 0

    def _entries(self, conversation_id: ConversationId) -> Any:
        return self._private_messages if is_private(conversation_id) else self._room_messages


def _checked_types(kind: str) -> tuple[str, ...]:
    if kind not in _TYPES:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST,
            "entries must be messages, notices or all.",
            field="entries",
        )
    return _TYPES[kind]
