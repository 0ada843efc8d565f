"""What requests and answers about messages hold. The OpenAPI document is made from these types."""

from typing import Annotated

from msgspec import Meta, Struct

from chatterroom.gateway.fields import (
    After,
    Before,
    ClientIdText,
    ConversationIdText,
    Duplicate,
    EntriesWanted,
    HasMore,
    MessageIdText,
    MessageIndex,
    MessageText,
    Moment,
    OtherUserIdText,
    PageLimit,
    RequestBody,
    RoomIdText,
    RoomNameText,
    Seq,
    UserIdText,
    Username,
    example,
)
from chatterroom.gateway.room_bodies import RoomSettings

__all__ = [
    "Changed",
    "EditMessage",
    "LogEntry",
    "Message",
    "Pins",
    "PrivateHistory",
    "PrivateHistoryRequest",
    "PrivateMessage",
    "Reaction",
    "RoomHistory",
    "RoomMessage",
    "SendPrivate",
    "SendToRoom",
    "Sent",
]

ReplyTo = Annotated[MessageIdText, Meta(description="The message that this one replies to.")]


class SendPrivate(RequestBody):
    """A message to one user."""

    sender_id: UserIdText
    receiver_id: OtherUserIdText
    message: MessageText
    client_id: ClientIdText | None = None
    reply_to: ReplyTo | None = None


class SendToRoom(RequestBody):
    """A message to a room."""

    sender_id: UserIdText
    message: MessageText
    client_id: ClientIdText | None = None
    reply_to: ReplyTo | None = None


class Sent(Struct):
    """The message is on disk, in its place."""

    message: Annotated[str, example("Message sent successfully")]
    id: MessageIdText
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    created_at: Moment
    client_id: ClientIdText
    duplicate: Duplicate


class EditMessage(RequestBody):
    """The text that takes the place of the old one."""

    message: MessageText
    client_id: ClientIdText | None = None


class Changed(Struct):
    """The change is on disk, as the entry `id` of the conversation's log."""

    message: Annotated[str, example("Message edited successfully")]
    id: MessageIdText
    conversation_id: ConversationIdText
    seq: Seq
    created_at: Moment
    client_id: ClientIdText
    duplicate: Duplicate


class Reaction(Struct):
    """Who has reacted with one emoji."""

    emoji: Annotated[str, example("👍")]
    user_ids: list[UserIdText]


class Message(Struct):
    """A message of a conversation, with what has happened to it since."""

    id: MessageIdText
    sender_id: UserIdText
    message: Annotated[str, example("Soup today?", "Empty if the message was deleted.")]
    created_at: Moment
    updated_at: Moment
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    client_id: ClientIdText
    reply_to: ReplyTo | None
    mentions: Annotated[list[OtherUserIdText], Meta(description="Members named in the text.")]
    mention_names: Annotated[
        list[Username],
        Meta(
            description="By which lower-case usernames they are named, in the order of `mentions`: "
            "whom a text names does not change when users rename. Empty in old messages."
        ),
    ]
    reactions: list[Reaction]
    pinned: bool
    edited: Annotated[bool, Meta(description="Whether the text was changed, at `updated_at`.")]
    deleted: Annotated[bool, Meta(description="The text has been deleted.")]


class PrivateMessage(Message):
    """A message of a private chat."""

    receiver_id: OtherUserIdText


class RoomMessage(Message):
    """A message in a room."""

    room_id: RoomIdText


class LogEntry(Struct, omit_defaults=True):
    """What happened, as sockets are sent it; which fields there are depends on `type`."""

    type: Annotated[str, example("room_updated")]
    id: MessageIdText
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    sender_id: UserIdText
    client_id: ClientIdText
    created_at: Moment
    room_id: RoomIdText | None = None
    room_name: RoomNameText | None = None
    settings: RoomSettings | None = None
    members_ids: list[UserIdText] | None = None
    user_id: UserIdText | None = None
    new_owner_id: UserIdText | None = None
    role: Annotated[str, example("admin")] | None = None
    message_id: MessageIdText | None = None
    message: MessageText | None = None
    mentions: list[UserIdText] | None = None
    mention_names: list[Username] | None = None
    emoji: Annotated[str, example("👍")] | None = None
    deleted_index: MessageIndex | None = None


Entries = Annotated[
    list[LogEntry],
    Meta(description="Entries that are not messages, in order of `seq`. Absent if there are none."),
]


class PrivateHistoryRequest(RequestBody):
    """Who reads, and which page; the query may say the page as well, and wins."""

    sender_id: UserIdText
    limit: PageLimit | None = None
    before: Before | None = None
    after: After | None = None
    entries: EntriesWanted | None = None


class PrivateHistory(Struct, omit_defaults=True):
    """A page of a private chat, oldest first."""

    messages: list[PrivateMessage]
    has_more: HasMore
    entries: Entries = []


class RoomHistory(Struct, omit_defaults=True):
    """A page of a room, oldest first."""

    messages: list[RoomMessage]
    has_more: HasMore
    entries: Entries = []


class Pins(Struct):
    """A page of the pinned messages of a conversation, oldest first."""

    messages: list[Message]
    has_more: HasMore
