"""How far a user has read, what is unread to them, and for whom receipts count. Pure.

All of it follows from the messages and the memberships. Only marks and one's own messages say how
far one has read; reactions, pins and changes of the room say nothing about it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from chatterroom.chat.memberships import Membership
from chatterroom.core.ids import UserId

__all__ = [
    "NewestEntry",
    "Position",
    "Raised",
    "own_index",
    "position_of",
    "receipt_counts",
    "unread",
]


class Raised(NamedTuple):
    """Marks that are raised and not stored yet. `seen`: the user has looked, or written."""

    read: int = 0
    delivered: int = 0
    seen: bool = False


@dataclass(frozen=True, slots=True)
class NewestEntry:
    """What is read of the newest entries of a conversation."""

    is_message: bool
    message_index: int
    sender_id: UserId


@dataclass(frozen=True, slots=True)
class Position:
    """How far a user has read and received a conversation.

    `added_by` is who brought the user into the room, until the user has looked at it.
    """

    read_index: int
    delivered_index: int
    added_by: UserId | None = None


def own_index(user_id: UserId, newest: Iterable[NewestEntry]) -> int:
    """Return the number of the newest of a user's messages among some entries, or 0."""
    own = (e.message_index for e in newest if e.is_message and e.sender_id == user_id)
    return max(own, default=0)


def position_of(membership: Membership, raised: Raised, own: int) -> Position:
    """Return how far a user is, by the stored membership, newer marks, and their own message."""
    read = max(membership.read_index, raised.read, own)
    delivered = max(membership.delivered_index, raised.delivered, read)
    has_seen = raised.seen or own > membership.read_index
    return Position(read, delivered, None if has_seen else membership.added_by)


def unread(position: Position, message_index: int, deleted: int) -> int:
    """Return how much is unread: messages, but for the `deleted` ones among them; where there is
    none, that the user was added counts as one."""
    messages = max(0, message_index - position.read_index - deleted)
    return messages or int(position.added_by is not None)


def receipt_counts(message_index: int, mark: int, joined_index: int) -> bool:
    """Say whether a member's mark is a receipt for a message: it came in their time."""
    return joined_index < message_index <= mark
