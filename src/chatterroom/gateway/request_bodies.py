"""What requests and answers about reaching out to others hold: settings, requests that wait.

The OpenAPI document is made from these types.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatterroom.gateway.fields import (
    ConversationIdText,
    Moment,
    OtherUserIdText,
    PageLimit,
    RequestBody,
    example,
)

__all__ = [
    "ChangeContactSettings",
    "ContactSettings",
    "WaitingRequest",
    "WaitingRequests",
    "WaitingRequestsQuery",
]

WhoMay = Annotated[
    str,
    example(
        "shared",
        "`everyone`, `shared` (people you share a conversation with) or `nobody`; everyone "
        "else needs your approval.",
        enum=["everyone", "shared", "nobody"],
    ),
]


class ContactSettings(Struct):
    """Who may add one to rooms, and write to one first."""

    add_to_rooms: WhoMay
    message_first: WhoMay


class ChangeContactSettings(RequestBody):
    """What to change; the rest stays as it is."""

    add_to_rooms: WhoMay | None = None
    message_first: WhoMay | None = None


class WaitingRequestsQuery(Struct):
    """Which page of the list."""

    limit: PageLimit | None = None
    cursor: Annotated[
        str, Meta(max_length=512, description="`next_cursor` of the previous page.")
    ] = ""


class WaitingRequest(Struct):
    """Somebody who wants to write to one, or to add one to a room."""

    kind: Literal["message", "room"]
    conversation_id: ConversationIdText
    user_id: OtherUserIdText
    room_name: Annotated[str, example("Lunch", "Empty for a message.")]
    preview: Annotated[str, example("", "The start of the first message; empty for a room.")]
    created_at: Moment


class WaitingRequests(Struct):
    """A page of what waits for one's answer, newest first."""

    requests: list[WaitingRequest]
    next_cursor: Annotated[str, example("", "Empty on the last page.")]
    total: Annotated[int, example(1, "The total number of open requests.")]
