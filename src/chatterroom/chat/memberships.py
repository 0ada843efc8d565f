"""That users take part in conversations, and what their lists show of it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.requests import RequestState
from chatterroom.core.ids import ConversationId, UserId

__all__ = ["Listed", "Membership", "Overview"]


@dataclass(frozen=True, slots=True)
class Membership:
    """That a user takes part in a conversation, since the entry `joined_seq`, and how far it has
    read."""

    user_id: UserId
    conversation_id: ConversationId
    peer_id: UserId | None
    joined_seq: int
    read_index: int
    delivered_index: int
    added_at: datetime
    joined_index: int | None = None
    """How many messages there were before; None where an earlier version has written it."""
    added_by: UserId | None = None
    """Who brought the user into the room, until the user has looked at it."""
    request: RequestState | None = None
    """Set while the user has not accepted a private chat, in which they take no part then."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A membership and when its conversation was last active, as far as is stored; None where an
    earlier version has written it."""

    membership: Membership
    active_at: datetime | None

    @property
    def conversation_id(self) -> ConversationId:
        """The conversation that is taken part in."""
        return self.membership.conversation_id


@dataclass(frozen=True, slots=True)
class Overview:
    """A conversation as its list shows it. `last_message` is None where nobody wrote yet."""

    membership: Membership
    room_name: str
    seq: int
    message_index: int
    last_activity_at: datetime
    last_message: MessagePosted | None
