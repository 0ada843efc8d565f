"""What requests and answers about one's conversations hold: lists, marks, presence.

The OpenAPI document is made from these types.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatterroom.gateway.fields import (
    MAX_SEQ,
    OTHER_USER,
    ROOM,
    ConversationIdText,
    Cursor,
    DeliveredIndex,
    MessageIndex,
    Moment,
    NextCursor,
    PageLimit,
    ReadIndex,
    RequestBody,
    Seq,
    UserIdText,
    example,
)
from chatterroom.gateway.message_bodies import Message

__all__ = [
    "Conversation",
    "Conversations",
    "ConversationsQuery",
    "Mark",
    "MarkDelivered",
    "MarkRead",
    "Marked",
    "Marks",
    "OnlineQuery",
    "Presence",
    "Presences",
]

MarkedIndex = Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class ConversationsQuery(Struct):
    """Which page of the list."""

    limit: PageLimit | None = None
    cursor: Cursor = ""


class Conversation(Struct):
    """A room or a private chat as one user's list shows it."""

    conversation_id: ConversationIdText
    kind: Literal["room", "private"]
    room_id: Annotated[str, example(ROOM, "Empty for a private chat.")]
    room_name: Annotated[str, example("Lunch", "Empty for a private chat.")]
    peer_id: Annotated[str, example(OTHER_USER, "The other user; empty for a room.")]
    seq: Seq
    message_index: MessageIndex
    read_index: ReadIndex
    unread: Annotated[int, example(2)]
    delivered_index: DeliveredIndex
    last_activity_at: Moment
    last_message: Message | None
    added_by: Annotated[
        UserIdText | None,
        Meta(
            description="Who added the caller to the room; null once the caller has marked it as "
            "read, or written. Counts as one in `unread` while no message is unread."
        ),
    ]


class Conversations(Struct):
    """A page of one's conversations, newest activity first."""

    conversations: list[Conversation]
    next_cursor: NextCursor


class MarkRead(RequestBody):
    """How far the caller has read."""

    message_index: Annotated[
        MarkedIndex, Meta(description="The index of the newest message that was read.")
    ]


class Marked(Struct):
    """How far one has read now, and how much is left; the highest mark wins."""

    message: Annotated[str, example("Conversation marked as read")]
    read_index: ReadIndex
    unread: Annotated[int, example(0)]


class MarkDelivered(RequestBody):
    """How far the conversation has reached one of the caller's devices."""

    message_index: Annotated[
        MarkedIndex, Meta(description="The index of the newest message that was delivered.")
    ]


class Mark(Struct):
    """How far a member has read and received a conversation."""

    user_id: UserIdText
    read_index: ReadIndex
    delivered_index: DeliveredIndex
    joined_index: Annotated[
        int,
        example(0, "Messages there were when the member came: marks count for those after it."),
    ]


class Marks(Struct):
    """A page of the marks of a conversation's members, in the order of their ids."""

    marks: list[Mark]
    next_cursor: NextCursor


class OnlineQuery(Struct):
    """Who is asked about."""

    ids: Annotated[
        str, Meta(max_length=8192, description="At most 200 user ids, separated by commas.")
    ] = ""


class Presence(Struct):
    """Whether a user is online; false also where no conversation is shared."""

    user_id: UserIdText
    online: bool


class Presences(Struct):
    """Who is online."""

    users: list[Presence]
