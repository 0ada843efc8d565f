"""The last word on what is stored: asked of MongoDB itself, past the platform."""

from collections.abc import AsyncIterator, Collection
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.read_concern import ReadConcern

from chatterroom.core.ids import ConversationId, message_id
from torture.records import Entry

__all__ = ["stored_entries"]

_DATABASE = "chatterroom_chat"
_COLLECTIONS = ("room_messages", "private_messages")
_TIMEOUT_MS = 30_000


async def stored_entries(
    mongo_url: str, only: Collection[str] | None = None
) -> dict[str, list[Entry]]:
    """Return every entry of every conversation, or of some, in order, duplicates included."""
    logs: dict[str, list[Entry]] = {}
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_url, timeoutMS=_TIMEOUT_MS)
    async with client:
        async for document in _documents(client, only):
            logs.setdefault(document["conversation_id"], []).append(_entry(document))
    return logs


async def _documents(
    client: AsyncMongoClient[dict[str, Any]], only: Collection[str] | None
) -> AsyncIterator[dict[str, Any]]:
    wanted = {} if only is None else {"conversation_id": {"$in": list(only)}}
    for name in _COLLECTIONS:
        messages = client[_DATABASE].get_collection(name, read_concern=ReadConcern("majority"))
        cursor = (
            messages.find(wanted).sort([("conversation_id", 1), ("seq", 1)]).allow_disk_use(True)
        )
        async for document in cursor:
            yield document


def _entry(document: dict[str, Any]) -> Entry:
    kind = document["type"]
    is_change = "message_seq" in document
    reactions = (f"{each['emoji']} {each['user_id']}" for each in document.get("reactions", ()))
    added: tuple[str, ...] = ()
    if kind == "room_created":
        added = tuple(document["members_ids"])
    elif kind == "member_added":
        added = (document["user_id"],)
    elif kind == "message" and document.get("receiver_id") and document["seq"] == 1:
        added = (document["sender_id"], document["receiver_id"])
    return Entry(
        document["seq"],
        message_id(ConversationId(document["conversation_id"]), document["seq"]),
        document["sender_id"],
        document["client_id"],
        document["message"] if kind == "message" else None,
        added,
        document["user_id"] if kind in {"member_left", "member_removed"} else "",
        kind if is_change else "",
        document["message_seq"] if is_change else 0,
        (document.get("emoji") or document.get("message", "")) if is_change else "",
        tuple(sorted(reactions)),
        document.get("deleted", False),
    )
