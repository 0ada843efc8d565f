"""Entries and conversations as the messages of `chat.proto`."""

from chatterroom.chat.conversation_list import ListedConversation
from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.events import grouped
from chatterroom.chat.requests import ContactSettings, Request
from chatterroom.core.ids import is_private, message_id
from chatterroom.core.times import format_time
from chatterroom.pb import chat_pb2

__all__ = [
    "contact_settings",
    "conversation_proto",
    "private_message",
    "request_proto",
    "room_message",
]


def private_message(entry: MessagePosted) -> chat_pb2.ChatMessageProto:
    """Return a message as private histories show it."""
    created_at, updated_at = _times(entry)
    return chat_pb2.ChatMessageProto(
        sender_id=entry.sender_id,
        receiver_id=entry.receiver_id or "",
        message=entry.message,
        created_at=created_at,
        updated_at=updated_at,
        id=message_id(entry.conversation_id, entry.seq),
        conversation_id=entry.conversation_id,
        seq=entry.seq,
        message_index=entry.message_index,
        client_id=entry.client_id,
        details=_details(entry),
    )


def room_message(entry: MessagePosted) -> chat_pb2.RoomMessageProto:
    """Return a message as room histories and lists show it."""
    created_at, updated_at = _times(entry)
    return chat_pb2.RoomMessageProto(
        id=message_id(entry.conversation_id, entry.seq),
        room_id="" if is_private(entry.conversation_id) else entry.conversation_id,
        sender_id=entry.sender_id,
        message=entry.message,
        created_at=created_at,
        updated_at=updated_at,
        conversation_id=entry.conversation_id,
        seq=entry.seq,
        message_index=entry.message_index,
        client_id=entry.client_id,
        details=_details(entry),
    )


def conversation_proto(listed: ListedConversation) -> chat_pb2.ConversationProto:
    """Return a conversation as its list shows it."""
    overview, position = listed.overview, listed.position
    membership = overview.membership
    private = is_private(membership.conversation_id)
    last = overview.last_message
    return chat_pb2.ConversationProto(
        conversation_id=membership.conversation_id,
        kind="private" if private else "room",
        room_id="" if private else membership.conversation_id,
        room_name=overview.room_name,
        peer_id=membership.peer_id or "",
        seq=overview.seq,
        message_index=overview.message_index,
        read_index=position.read_index,
        unread=listed.unread,
        last_activity_at=format_time(overview.last_activity_at),
        last_message=room_message(last) if last else None,
        delivered_index=position.delivered_index,
        added_by=position.added_by or "",
    )


def contact_settings(settings: ContactSettings) -> chat_pb2.ContactSettings:
    """Return who may add a user to rooms, and who may write first."""
    return chat_pb2.ContactSettings(
        add_to_rooms=settings.add_to_rooms, message_first=settings.message_first
    )


def request_proto(request: Request) -> chat_pb2.RequestProto:
    """Return a message request or an invitation as its list shows it."""
    private = is_private(request.conversation_id)
    return chat_pb2.RequestProto(
        kind="message" if private else "room",
        conversation_id=request.conversation_id,
        user_id=request.user_id,
        room_name=request.room_name,
        preview=request.preview,
        created_at=format_time(request.created_at),
    )


def _times(entry: MessagePosted) -> tuple[str, str]:
    """Return when a message was written and changed, mostly the same: pages have many."""
    created_at = format_time(entry.created_at)
    if entry.updated_at == entry.created_at:
        return created_at, created_at
    return created_at, format_time(entry.updated_at)


def _details(entry: MessagePosted) -> chat_pb2.MessageDetails | None:
    """Return what most messages do not have, None where this one has nothing of it."""
    if entry.changed_seq is None and entry.reply_to_seq is None and not entry.mentions:
        return None
    reply_to = (
        message_id(entry.conversation_id, entry.reply_to_seq)
        if entry.reply_to_seq is not None
        else ""
    )
    return chat_pb2.MessageDetails(
        reply_to=reply_to,
        mentions=entry.mentions,
        mention_names=entry.mention_names,
        reactions=[
            chat_pb2.Reaction(emoji=emoji, user_ids=users)
            for emoji, users in grouped(entry.reactions).items()
        ],
        pinned=entry.pinned,
        edited=bool(entry.edit_seqs),
        deleted=entry.deleted,
    )
