"""What the sockets are told: one JSON object an event, encoded once for all its receivers."""

from collections.abc import Sequence
from typing import Any, assert_never

import msgspec

from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
)
from chatterroom.chat.requests import Request
from chatterroom.core.ids import ConversationId, UserId, is_private, message_id
from chatterroom.core.times import format_time

__all__ = [
    "encode_block",
    "encode_entry",
    "encode_marks",
    "encode_request_answered",
    "encode_request_received",
    "encode_typing",
    "grouped",
]


def encode_entry(entry: Entry) -> bytes:
    """Return the event that tells of an entry. Its fields are listed in docs/protocol.md."""
    event: dict[str, Any] = {
        "type": entry.__struct_config__.tag,
        "id": message_id(entry.conversation_id, entry.seq),
        "conversation_id": entry.conversation_id,
        "seq": entry.seq,
        "message_index": entry.message_index,
        "sender_id": entry.sender_id,
        "client_id": entry.client_id,
        "created_at": format_time(entry.created_at),
    }
    if not is_private(entry.conversation_id):
        event["room_id"] = entry.conversation_id
    match entry:
        case MessagePosted():
            event["message"] = entry.message
            event["updated_at"] = format_time(entry.updated_at)
            _add_message_details(event, entry)
        case MessageEdited():
            event["message_id"] = message_id(entry.conversation_id, entry.message_seq)
            event["message"] = entry.message
            event["mentions"] = entry.mentions
            event["mention_names"] = entry.mention_names
        case MessageDeleted():
            event["message_id"] = message_id(entry.conversation_id, entry.message_seq)
            event["deleted_index"] = entry.deleted_index
        case MessagePinned() | MessageUnpinned():
            event["message_id"] = message_id(entry.conversation_id, entry.message_seq)
        case ReactionAdded() | ReactionRemoved():
            event["message_id"] = message_id(entry.conversation_id, entry.message_seq)
            event["emoji"] = entry.emoji
        case RoomCreated():
            event["room_name"] = entry.room_name
            event["members_ids"] = entry.members_ids
        case RoomUpdated():
            event["room_name"] = entry.room_name
            event["settings"] = entry.settings
        case MemberAdded() | MemberRemoved():
            event["user_id"] = entry.user_id
        case MemberLeft():
            event["user_id"] = entry.user_id
            event["new_owner_id"] = entry.new_owner_id
        case RoleChanged():
            event["user_id"] = entry.user_id
            event["role"] = entry.role
        case _:
            assert_never(entry)
    return msgspec.json.encode(event)


def grouped(reactions: Sequence[Reaction]) -> dict[str, list[UserId]]:
    """Return who reacted with what, in the order of first use."""
    users: dict[str, list[UserId]] = {}
    for reaction in reactions:
        users.setdefault(reaction.emoji, []).append(reaction.user_id)
    return users


def encode_typing(conversation_id: ConversationId, user_id: UserId) -> bytes:
    """Return the event that somebody writes."""
    return msgspec.json.encode(
        {"type": "typing", "conversation_id": conversation_id, "user_id": user_id}
    )


def encode_block(user_id: UserId, blocked: bool) -> bytes:
    """Return the event that one has blocked a user, or no longer."""
    return msgspec.json.encode({"type": "block", "user_id": user_id, "blocked": blocked})


def encode_request_received(request: Request) -> bytes:
    """Return the event that somebody wants to write to one, or to add one to a room."""
    kind = _kind_of_request(request.conversation_id)
    return msgspec.json.encode(
        {
            "type": "request_received",
            "kind": kind,
            "conversation_id": request.conversation_id,
            "user_id": request.user_id,
            "room_name": request.room_name,
            "created_at": format_time(request.created_at),
        }
    )


def encode_request_answered(conversation_id: ConversationId, accepted: bool) -> bytes:
    """Return the event that one has accepted or declined a request."""
    return msgspec.json.encode(
        {
            "type": "request_answered",
            "kind": _kind_of_request(conversation_id),
            "conversation_id": conversation_id,
            "accepted": accepted,
        }
    )


def _kind_of_request(conversation_id: ConversationId) -> str:
    return "message" if is_private(conversation_id) else "room"


def encode_marks(
    conversation_id: ConversationId, marks: Sequence[tuple[UserId, int, int]]
) -> bytes:
    """Return the event that users have read, and received, up to message indexes."""
    told = [
        {"user_id": user_id, "read_index": read, "delivered_index": delivered}
        for user_id, read, delivered in marks
    ]
    return msgspec.json.encode({"type": "marks", "conversation_id": conversation_id, "marks": told})


def _add_message_details(event: dict[str, Any], entry: MessagePosted) -> None:
    """Add what most messages do not have."""
    if entry.receiver_id is not None:
        event["receiver_id"] = entry.receiver_id
    if entry.reply_to_seq is not None:
        event["reply_to"] = message_id(entry.conversation_id, entry.reply_to_seq)
    if entry.mentions:
        event["mentions"] = entry.mentions
        event["mention_names"] = entry.mention_names
    if entry.reactions:
        event["reactions"] = [
            {"emoji": emoji, "user_ids": users} for emoji, users in grouped(entry.reactions).items()
        ]
    for flag, is_set in (
        ("edited", bool(entry.edit_seqs)),
        ("pinned", entry.pinned),
        ("deleted", entry.deleted),
    ):
        if is_set:
            event[flag] = True
