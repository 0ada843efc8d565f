"""The values that bodies are made of: their types, and what the OpenAPI document says of them.

Patterns and lists of values are told but not checked here: an id that is none is MALFORMED_ID,
and what a value may be, services decide.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

__all__ = [
    "MAX_SEQ",
    "OTHER_USER",
    "ROOM",
    "After",
    "Before",
    "ClientIdText",
    "ConversationIdText",
    "Cursor",
    "DeliveredIndex",
    "Done",
    "Duplicate",
    "EntriesWanted",
    "HasMore",
    "HistoryQuery",
    "ListLimit",
    "ListQuery",
    "MessageIdText",
    "MessageIndex",
    "MessageText",
    "Moment",
    "NextCursor",
    "Nothing",
    "OtherUserIdText",
    "PageLimit",
    "PageQuery",
    "PinsQuery",
    "ReadIndex",
    "RequestBody",
    "RoomIdText",
    "RoomNameText",
    "Seq",
    "UserIdText",
    "Username",
    "example",
]

USER = "01kax3v7f2m8q4r9t6w1y5z0bc"
OTHER_USER = "01kax3v9h4n6s8v2x5z7a1c3ef"
ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"
MOMENT = "2026-11-23T16:45:00.123Z"
# The largest whole number that JSON carries everywhere.
MAX_SEQ = 2**53 - 1
ULID = "^[0-7][0-9a-hjkmnp-tv-z]{25}$"


def example(value: Any, description: str | None = None, **schema: Any) -> Meta:
    """Return what the document says of a value: how one looks, and what it means."""
    return Meta(description=description, examples=[value], extra_json_schema=schema or None)


UserIdText = Annotated[str, example(USER, "A user's id.", pattern=ULID)]
OtherUserIdText = Annotated[str, example(OTHER_USER, "A user's id.", pattern=ULID)]
Username = Annotated[str, example("ada")]
RoomIdText = Annotated[str, example(ROOM, "A room's id.", pattern=ULID)]
RoomNameText = Annotated[str, example("Lunch")]
ConversationIdText = Annotated[str, example(ROOM, "A room's id, or the id of a private chat.")]
MessageIdText = Annotated[str, example(f"{ROOM}-000000000007")]
MessageText = Annotated[str, example("Soup today?")]
Moment = Annotated[str, example(MOMENT, "RFC 3339, UTC.", format="date-time")]
Seq = Annotated[int, example(7, "The position in the conversation's log: 1, 2, 3, without gaps.")]
MessageIndex = Annotated[int, example(5, "The position among the conversation's messages.")]
ReadIndex = Annotated[int, example(3, "The `message_index` up to which the user has read.")]
DeliveredIndex = Annotated[
    int, example(5, "The `message_index` up to which messages reached one of the user's devices.")
]
Duplicate = Annotated[
    bool, Meta(description="Whether a request with this `client_id` was already stored.")
]
ClientIdText = Annotated[
    str,
    example(
        "5f0c1d8e-1",
        "Made by the client, unique among what it sends: a repeat stores nothing and gets the "
        "first answer again. 1 to 64 printable ASCII characters. The header Idempotency-Key "
        "says the same.",
        pattern="^[!-~]{1,64}$",
    ),
]
PageLimit = Annotated[
    int, Meta(ge=1, le=200, description="The largest number to return; 50 by default.")
]
ListLimit = Annotated[
    int, Meta(ge=1, le=200, description="The largest number to return; 200 by default.")
]
Cursor = Annotated[str, Meta(max_length=512, description="`next_cursor` of the previous page.")]
NextCursor = Annotated[str, example("", "Empty on the last page.")]
Before = Annotated[
    int, Meta(ge=1, le=MAX_SEQ, description="Return the newest entries with a smaller `seq`.")
]
After = Annotated[
    int, Meta(ge=0, le=MAX_SEQ, description="Return the oldest entries with a larger `seq`.")
]
EntriesWanted = Annotated[
    str,
    Meta(
        description="`messages` if not given; `notices`: also what happens to the conversation "
        "(creation, name and settings, members, roles, pins); `all`: also edits, deletions and "
        "reactions, each as an entry of its own. `limit` counts messages and entries together.",
        extra_json_schema={"enum": ["messages", "notices", "all"]},
    ),
]
HasMore = Annotated[
    bool, Meta(description="Whether more messages follow in the direction of paging.")
]


class RequestBody(Struct, forbid_unknown_fields=True):
    """What a client sends. Members of other names are refused: nobody sets what is not theirs."""


class ListQuery(Struct):
    """Which page of a list: the first, unless `cursor` says otherwise."""

    limit: ListLimit | None = None
    cursor: Cursor = ""


class PinsQuery(Struct):
    """Which page of the pins: the newest, unless `before` says otherwise."""

    limit: ListLimit | None = None
    before: Before | None = None


class Nothing(Struct):
    """A query without parameters."""


class PageQuery(Struct):
    """Which page of a history: the newest, unless `before` or `after` says otherwise."""

    limit: PageLimit | None = None
    before: Before | None = None
    after: After | None = None


class HistoryQuery(PageQuery):
    """Which page of a history, and whether it holds more than messages."""

    entries: EntriesWanted | None = None


class Done(Struct):
    """It is done."""

    message: Annotated[str, example("User logged out successfully")]
