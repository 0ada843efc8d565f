"""From the messages of the chat service's RPCs to the bodies of HTTP answers."""

from typing import Any

import msgspec

from chatterroom.core.ids import ClientId
from chatterroom.gateway import conversation_bodies, message_bodies, room_bodies
from chatterroom.pb import chat_pb2

__all__ = [
    "changed",
    "conversation",
    "log_entry",
    "message",
    "private_message",
    "room",
    "room_message",
    "sent",
]


_decode_entry = msgspec.json.Decoder(message_bodies.LogEntry).decode


def sent(answer: chat_pb2.SendRoomMessageResponse, client_id: ClientId) -> message_bodies.Sent:
    """Tell that a message is stored."""
    return message_bodies.Sent(
        message=answer.message,
        id=answer.id,
        conversation_id=answer.conversation_id,
        seq=answer.seq,
        message_index=answer.message_index,
        created_at=answer.created_at,
        client_id=client_id,
        duplicate=answer.duplicate,
    )


def changed(answer: chat_pb2.ChangeResponse, client_id: ClientId) -> message_bodies.Changed:
    """Tell that a change is stored."""
    return message_bodies.Changed(
        message=answer.message,
        id=answer.id,
        conversation_id=answer.conversation_id,
        seq=answer.seq,
        created_at=answer.created_at,
        client_id=client_id,
        duplicate=answer.duplicate,
    )


def message(stored: chat_pb2.RoomMessageProto) -> message_bodies.Message:
    """Show a message of a conversation of either kind."""
    return message_bodies.Message(**_common(stored))


def private_message(stored: chat_pb2.ChatMessageProto) -> message_bodies.PrivateMessage:
    """Show a message of a private chat."""
    return message_bodies.PrivateMessage(**_common(stored), receiver_id=stored.receiver_id)


def room_message(stored: chat_pb2.RoomMessageProto) -> message_bodies.RoomMessage:
    """Show a message in a room."""
    return message_bodies.RoomMessage(**_common(stored), room_id=stored.room_id)


def log_entry(text: str) -> message_bodies.LogEntry:
    """Show what is no message."""
    return _decode_entry(text)


def room(details: chat_pb2.GetRoomResponse) -> room_bodies.Room:
    """Show a room."""
    return room_bodies.Room(
        room_id=details.room_id,
        room_name=details.room_name,
        creator_id=details.creator_id,
        created_at=details.created_at,
        members=[
            room_bodies.Member(member.user_id, member.joined_at, member.connected, member.role)
            for member in details.members
        ],
        seq=details.seq,
        message_index=details.message_index,
        settings=room_bodies.RoomSettings(
            details.settings.adding, details.settings.posting, details.settings.history
        ),
        next_cursor=details.next_cursor,
        member_count=details.member_count,
        role=details.role,
    )


def conversation(shown: chat_pb2.ConversationProto) -> conversation_bodies.Conversation:
    """Show an item of a user's list."""
    return conversation_bodies.Conversation(
        conversation_id=shown.conversation_id,
        kind="private" if shown.kind == "private" else "room",
        room_id=shown.room_id,
        room_name=shown.room_name,
        peer_id=shown.peer_id,
        seq=shown.seq,
        message_index=shown.message_index,
        read_index=shown.read_index,
        unread=shown.unread,
        delivered_index=shown.delivered_index,
        last_activity_at=shown.last_activity_at,
        last_message=message(shown.last_message) if shown.HasField("last_message") else None,
        added_by=shown.added_by or None,
    )


def _common(stored: chat_pb2.ChatMessageProto | chat_pb2.RoomMessageProto) -> dict[str, Any]:
    common = {
        "id": stored.id,
        "sender_id": stored.sender_id,
        "message": stored.message,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "conversation_id": stored.conversation_id,
        "seq": stored.seq,
        "message_index": stored.message_index,
        "client_id": stored.client_id,
    }
    if not stored.HasField("details"):
        # As most messages, and a page has many.
        return common | {
            "reply_to": None,
            "mentions": [],
            "mention_names": [],
            "reactions": [],
            "pinned": False,
            "edited": False,
            "deleted": False,
        }
    details = stored.details
    return common | {
        "reply_to": details.reply_to or None,
        "mentions": list(details.mentions),
        "mention_names": list(details.mention_names),
        "reactions": [
            message_bodies.Reaction(reaction.emoji, list(reaction.user_ids))
            for reaction in details.reactions
        ],
        "pinned": details.pinned,
        "edited": details.edited,
        "deleted": details.deleted,
    }
