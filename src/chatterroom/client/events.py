"""What a session socket says: the types of events, and how frames become events.

A new kind of event is a class here and a name in `KnownEntry` or `KnownEvent`; nothing else
changes. What is not in that table, or does not fit its type, arrives as `Unknown`.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

__all__ = [
    "Ack",
    "Acknowledged",
    "Changed",
    "Control",
    "Conversations",
    "Entry",
    "Event",
    "Frame",
    "GoingAway",
    "Gone",
    "Head",
    "KnownEntry",
    "KnownEvent",
    "Mark",
    "Marked",
    "Marks",
    "MemberAdded",
    "MemberLeft",
    "MemberRemoved",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "MessagePinned",
    "MessageUnpinned",
    "Presence",
    "Reaction",
    "ReactionAdded",
    "ReactionRemoved",
    "Ready",
    "Refusal",
    "Reply",
    "RequestAnswered",
    "RequestReceived",
    "Resumed",
    "RoleChanged",
    "RoomCreated",
    "RoomUpdated",
    "Typing",
    "Unknown",
    "UserPresence",
    "decode_entry",
    "decode_frame",
    "decode_reply",
]


class Entry(Struct, frozen=True, kw_only=True):
    """What all entries of a conversation's log have in common.

    `seq` is the place in the log: 1, 2, 3, without a hole. `message_index` counts the messages
    up to and including this entry.
    """

    id: str
    conversation_id: str
    seq: int
    message_index: int
    sender_id: str
    created_at: datetime
    client_id: str | None = None
    room_id: str | None = None
    """The room; None in a private chat."""


class Reaction(Struct, frozen=True):
    """Who reacted to a message with one emoji."""

    emoji: str
    user_ids: list[str]


class Message(Entry, frozen=True, kw_only=True, tag="message"):
    """Somebody wrote. `receiver_id` is set in a private chat."""

    message: str
    updated_at: datetime
    receiver_id: str | None = None
    reply_to: str | None = None
    """The id of the message that this one answers."""
    mentions: list[str] = []
    mention_names: list[str] = []
    reactions: list[Reaction] = []
    pinned: bool = False
    edited: bool = False
    deleted: bool = False
    """The text is gone, and empty here."""


class MessageEdited(Entry, frozen=True, kw_only=True, tag="message_edited"):
    """The text of a message is another. Empty where the message was deleted since."""

    message_id: str
    message: str
    mentions: list[str] = []
    mention_names: list[str] = []


class MessageDeleted(Entry, frozen=True, kw_only=True, tag="message_deleted"):
    """The text of a message is gone; `deleted_index` is its `message_index`, if that is known."""

    message_id: str
    deleted_index: int | None = None


class ReactionAdded(Entry, frozen=True, kw_only=True, tag="reaction_added"):
    """The sender reacted to a message."""

    message_id: str
    emoji: str


class ReactionRemoved(Entry, frozen=True, kw_only=True, tag="reaction_removed"):
    """The sender took a reaction back."""

    message_id: str
    emoji: str


class MessagePinned(Entry, frozen=True, kw_only=True, tag="message_pinned"):
    """A message is pinned."""

    message_id: str


class MessageUnpinned(Entry, frozen=True, kw_only=True, tag="message_unpinned"):
    """A message is not pinned any more."""

    message_id: str


class RoomUpdated(Entry, frozen=True, kw_only=True, tag="room_updated"):
    """Name or settings of a room changed; None where they did not."""

    room_name: str | None = None
    settings: dict[str, str] | None = None


class RoleChanged(Entry, frozen=True, kw_only=True, tag="role_changed"):
    """`user_id` has another role in the room. A new owner makes the old one an admin."""

    user_id: str
    role: str


class RoomCreated(Entry, frozen=True, kw_only=True, tag="room_created"):
    """A room exists, and these are its first members."""

    room_name: str
    members_ids: list[str]


class MemberAdded(Entry, frozen=True, kw_only=True, tag="member_added"):
    """`user_id` is a member of the room from here on."""

    user_id: str


class MemberLeft(Entry, frozen=True, kw_only=True, tag="member_left"):
    """`user_id` is no longer a member of the room. If that is you, no entries follow.

    Where the owner left, `new_owner_id` is the owner now.
    """

    user_id: str
    new_owner_id: str | None = None


class MemberRemoved(Entry, frozen=True, kw_only=True, tag="member_removed"):
    """`user_id` has been removed from the room by somebody else, as with `MemberLeft`."""

    user_id: str


class Typing(Struct, frozen=True, tag="typing"):
    """Somebody is writing. Not stored, and left out where the reader is slow."""

    conversation_id: str
    user_id: str


class Mark(Struct, frozen=True):
    """Up to which message_index a user has read and received."""

    user_id: str
    read_index: int
    delivered_index: int


class Marks(Struct, frozen=True, tag="marks"):
    """Users have read or received more. The highest mark counts."""

    conversation_id: str
    marks: list[Mark]


class UserPresence(Struct, frozen=True):
    """Whether a user is online; false also where no conversation is shared."""

    user_id: str
    online: bool


class Presence(Struct, frozen=True, tag="presence"):
    """Users whom `Session.watch_presence` has named came or went."""

    users: list[UserPresence]
    ref: str | None = None
    """Set in the answer to the command, which is no event."""


class RequestReceived(Struct, frozen=True, tag="request_received"):
    """Somebody wants to write to you (`kind` "message"), or to add you to a room ("room")."""

    kind: str
    conversation_id: str
    """Names the request when it is answered."""
    user_id: str
    room_name: str
    created_at: datetime


class RequestAnswered(Struct, frozen=True, tag="request_answered"):
    """One of your devices has accepted or declined a request."""

    kind: str
    conversation_id: str
    accepted: bool


class Gone(Struct, frozen=True):
    """You are no longer in a conversation, and the entries that told so cannot be had any more."""

    conversation_id: str


class Unknown(Struct, frozen=True):
    """Something that this version of the library has no type for, with all its fields.

    Where it is an entry of a log (`seq` is not None), it has its place in the order as any other.
    """

    type: str
    fields: dict[str, Any]

    @property
    def conversation_id(self) -> str | None:
        """The conversation it belongs to, if any."""
        value = self.fields.get("conversation_id")
        return value if isinstance(value, str) else None

    @property
    def seq(self) -> int | None:
        """Its place in the conversation's log; None where it is not an entry.

        Only entries have an id: a mark that mentions a `seq` is none.
        """
        value = self.fields.get("seq")
        is_entry = type(value) is int and "id" in self.fields and self.conversation_id is not None
        return value if is_entry else None


# The table of event types: what it names is decoded by its tag.
KnownEntry = (
    Message
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | MessagePinned
    | MessageUnpinned
    | RoomCreated
    | RoomUpdated
    | MemberAdded
    | MemberLeft
    | MemberRemoved
    | RoleChanged
)
KnownEvent = KnownEntry | Typing | Marks | Presence | RequestReceived | RequestAnswered

Event = KnownEvent | Gone | Unknown


class Changed(Struct, frozen=True, kw_only=True, tag="ack"):
    """The change is on disk, as the entry `id`. `duplicate`: `client_id` had been stored before.

    `invited`: who should be added to a room has to accept first; `id` is the room's newest entry.
    """

    id: str
    conversation_id: str
    seq: int
    created_at: datetime
    client_id: str | None = None
    duplicate: bool = False
    invited: bool = False


class Ack(Changed, frozen=True, kw_only=True, tag="ack"):
    """The message is on disk, in its place."""

    message_index: int


class Marked(Struct, frozen=True, kw_only=True, tag="marked"):
    """One's marks as they hold now: the highest there were."""

    conversation_id: str
    read_index: int
    delivered_index: int
    unread: int


class Head(Struct, frozen=True):
    """How far a conversation has come, and with which entry the user came in, if told."""

    conversation_id: str
    seq: int
    joined_seq: int = 1


class Ready(Struct, frozen=True, tag="ready"):
    """The socket is open and says what there is to resume, or the first of much of it."""

    conversations: list[Head]
    has_more: bool = False


class Conversations(Struct, frozen=True, tag="conversations"):
    """More of what there is to resume."""

    conversations: list[Head]
    has_more: bool = False


class Resumed(Struct, frozen=True, tag="resumed"):
    """What was missed has been sent; from here on events come as they happen."""


class GoingAway(Struct, frozen=True, tag="going_away"):
    """The server stops and asks to be left within a time."""

    within_s: float = 0.0


class Refusal(Struct, frozen=True, tag="error"):
    """A command was refused, or, without `ref`, something else went wrong."""

    code: str
    detail: str = ""
    ref: str | None = None
    retry_after_s: float | None = None


class Reply(Struct, frozen=True):
    """The answer to a command: its type, and all its fields."""

    type: str
    fields: dict[str, Any]


class Acknowledged(Struct, frozen=True, tag="ack"):
    """Which command an `ack` answers; the rest is decoded for whoever asked."""

    ref: str | None = None


Control = Ready | Conversations | Resumed | GoingAway | Acknowledged | Refusal

Frame = KnownEvent | Unknown | Control

_known: msgspec.json.Decoder[KnownEvent | Control] = msgspec.json.Decoder(KnownEvent | Control)
_entries: msgspec.json.Decoder[KnownEntry] = msgspec.json.Decoder(KnownEntry)
_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def decode_frame(text: bytes) -> Frame:
    """Return what a text frame says; raise `ValueError` for one that says nothing."""
    try:
        return _known.decode(text)
    except msgspec.DecodeError:  # of another type, or not a frame at all
        reply = decode_reply(text)
        return Unknown(reply.type, reply.fields)


def decode_entry(text: bytes) -> KnownEntry | Unknown:
    """Return an entry of a history."""
    try:
        return _entries.decode(text)
    except msgspec.DecodeError:
        reply = decode_reply(text)
        return Unknown(reply.type, reply.fields)


def decode_reply(text: bytes) -> Reply:
    """Return a frame with its fields as they are; raise `ValueError` where it has no type."""
    try:
        fields = _decode_fields(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a JSON object: {error}") from None
    type_ = fields.get("type")
    if not isinstance(type_, str):
        raise ValueError("a frame without a type")
    return Reply(type_, fields)
