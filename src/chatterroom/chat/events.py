"""Entries as the sockets show them: one JSON object each, encoded once for all receivers."""

from typing import Any, assert_never

import msgspec

from chatterroom.chat.conversation import (
    Entry,
    MemberAdded,
    MemberLeft,
    MessagePosted,
    RoomCreated,
)
from chatterroom.core.ids import is_private, message_id
from chatterroom.core.times import format_time

__all__ = ["encode_event"]


def encode_event(entry: Entry) -> bytes:
    """Return the event that tells of an entry. Its fields are listed in docs/protocol.md."""
    event: dict[str, Any] = {
        "type": "",
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
            event["type"] = "message"
            event["message"] = entry.message
            event["updated_at"] = format_time(entry.updated_at)
            if entry.receiver_id is not None:
                event["receiver_id"] = entry.receiver_id
        case RoomCreated():
            event["type"] = "room_created"
            event["room_name"] = entry.room_name
            event["members_ids"] = entry.members_ids
        case MemberAdded():
            event["type"] = "member_added"
            event["user_id"] = entry.user_id
        case MemberLeft():
            event["type"] = "member_left"
            event["user_id"] = entry.user_id
        case _:
            assert_never(entry)
    return msgspec.json.encode(event)
