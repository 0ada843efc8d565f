"""The entries of a conversation's log: every durable change, as it is stored.

An entry is written once and then stays, but for one thing: a message carries what later entries
have done to it (its text as edited, reactions, pin, deletion), so that a page of history is read
without looking further. A deletion takes the text out of the message and of its edits.
"""

from datetime import datetime
from typing import Literal

import msgspec

from chatterroom.core.ids import ClientId, ConversationId, UserId

__all__ = [
    "Entry",
    "MemberAdded",
    "MemberLeft",
    "MemberRemoved",
    "MessageDeleted",
    "MessageEdited",
    "MessagePinned",
    "MessagePosted",
    "MessageUnpinned",
    "Reaction",
    "ReactionAdded",
    "ReactionRemoved",
    "Role",
    "RoleChanged",
    "RoomCreated",
    "RoomSettings",
    "RoomUpdated",
]

Role = Literal["owner", "admin", "member"]


class Reaction(msgspec.Struct, frozen=True):
    """One user's reaction to a message."""

    emoji: str
    user_id: UserId


class RoomSettings(msgspec.Struct, frozen=True):
    """What a room allows. `history` says what newcomers may read."""

    adding: Literal["members", "admins"] = "members"
    posting: Literal["members", "admins"] = "members"
    history: Literal["everything", "since_joining"] = "everything"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every entry carries. `sender_id` and `client_id` name the request that made it."""

    conversation_id: ConversationId
    seq: int
    message_index: int
    sender_id: UserId
    client_id: ClientId
    created_at: datetime


class MessagePosted(_Entry, frozen=True, kw_only=True, tag="message"):
    """Somebody wrote. `receiver_id` is set in private chats; the seqs name other entries."""

    message: str
    updated_at: datetime
    receiver_id: UserId | None = None
    reply_to_seq: int | None = None
    mentions: tuple[UserId, ...] = ()
    mention_names: tuple[str, ...] = ()
    """By which names they are mentioned; none in entries of earlier versions."""
    changed_seq: int | None = None
    """The last entry that changed this message."""
    edit_seqs: tuple[int, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    pinned: bool = False
    deleted: bool = False
    request: bool = False
    """Whether it opens a private chat that the receiver has to accept."""
    accepts: bool = False
    """Whether it is the first that the receiver of a request writes back."""


class MessageEdited(_Entry, frozen=True, kw_only=True, tag="message_edited"):
    """The text of the message at `message_seq` was replaced."""

    message_seq: int
    message: str
    mentions: tuple[UserId, ...] = ()
    mention_names: tuple[str, ...] = ()
    """By which names they are mentioned; none in entries of earlier versions."""


class MessageDeleted(_Entry, frozen=True, kw_only=True, tag="message_deleted"):
    """The text of the message at `message_seq` is gone."""

    message_seq: int
    deleted_index: int | None = None
    """The number of that message; None where an earlier version has written the entry."""


class ReactionAdded(_Entry, frozen=True, kw_only=True, tag="reaction_added"):
    """The sender reacted to the message at `message_seq`."""

    message_seq: int
    emoji: str


class ReactionRemoved(_Entry, frozen=True, kw_only=True, tag="reaction_removed"):
    """The sender took a reaction back."""

    message_seq: int
    emoji: str


class MessagePinned(_Entry, frozen=True, kw_only=True, tag="message_pinned"):
    """The message at `message_seq` was pinned."""

    message_seq: int


class MessageUnpinned(_Entry, frozen=True, kw_only=True, tag="message_unpinned"):
    """The message at `message_seq` is not pinned any more."""

    message_seq: int


class RoomCreated(_Entry, frozen=True, kw_only=True, tag="room_created"):
    """The first entry of a room. `members_ids` includes the creator, its owner."""

    room_name: str
    members_ids: list[UserId]


class RoomUpdated(_Entry, frozen=True, kw_only=True, tag="room_updated"):
    """Name or settings changed; None where they did not."""

    room_name: str | None = None
    settings: RoomSettings | None = None


class MemberAdded(_Entry, frozen=True, kw_only=True, tag="member_added"):
    """`user_id` became a member, perhaps by accepting the sender's invitation."""

    user_id: UserId
    accepted: bool = False


class MemberLeft(_Entry, frozen=True, kw_only=True, tag="member_left"):
    """`user_id` left. Where that was the owner, `new_owner_id` is the owner now."""

    user_id: UserId
    new_owner_id: UserId | None = None


class MemberRemoved(_Entry, frozen=True, kw_only=True, tag="member_removed"):
    """The sender removed `user_id`."""

    user_id: UserId


class RoleChanged(_Entry, frozen=True, kw_only=True, tag="role_changed"):
    """`user_id` has another role. A new owner makes the old one an admin."""

    user_id: UserId
    role: Role


Entry = (
    MessagePosted
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
