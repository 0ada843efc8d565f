"""What requests and answers hold. The OpenAPI document is made from these types.

They say what must be there and of which type; what a value may be, services decide.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

__all__ = [
    "AddMember",
    "Conversation",
    "Conversations",
    "ConversationsQuery",
    "CreateRoom",
    "DiscoveryStatus",
    "Done",
    "GatewayStatus",
    "HealthWord",
    "LastMessage",
    "LeaveRoom",
    "Live",
    "Login",
    "MarkRead",
    "Member",
    "MembershipChanged",
    "Nothing",
    "PageQuery",
    "PrivateHistory",
    "PrivateHistoryRequest",
    "PrivateMessage",
    "Profile",
    "Read",
    "Ready",
    "Refresh",
    "Register",
    "Registered",
    "Room",
    "RoomCreated",
    "RoomHistory",
    "RoomMessage",
    "SendPrivate",
    "SendToRoom",
    "Sent",
    "ServiceStatus",
    "Tokens",
    "UserSummary",
    "Users",
    "UsersQuery",
]

_USER = "01kax3v7f2m8q4r9t6w1y5z0bc"
_OTHER_USER = "01kax3v9h4n6s8v2x5z7a1c3ef"
_ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"
_PRIVATE = "p4s7w2y5z8b1d3f6h9k2m4p7r0t"
_MOMENT = "2026-11-23T16:45:00.123Z"
# The largest whole number that JSON carries everywhere.
_MAX_SEQ = 2**53 - 1
_ULID = "^[0-7][0-9a-hjkmnp-tv-z]{25}$"


def _example(value: Any, description: str | None = None, **schema: Any) -> Meta:
    # Patterns are told but not checked here: an id that is none is MALFORMED_ID.
    return Meta(description=description, examples=[value], extra_json_schema=schema or None)


UserIdText = Annotated[str, _example(_USER, "A user's id.", pattern=_ULID)]
OtherUserIdText = Annotated[str, _example(_OTHER_USER, "A user's id.", pattern=_ULID)]
RoomIdText = Annotated[str, _example(_ROOM, "A room's id.", pattern=_ULID)]
RoomNameText = Annotated[str, _example("Lunch")]
ConversationIdText = Annotated[str, _example(_ROOM, "A room's id, or the id of a private chat.")]
MessageIdText = Annotated[str, _example(f"{_ROOM}-000000000007")]
MessageText = Annotated[str, _example("Soup today?")]
Username = Annotated[str, _example("ada")]
Email = Annotated[str, _example("ada@example.org")]
Password = Annotated[str, _example("correct horse battery staple", format="password")]
Moment = Annotated[str, _example(_MOMENT, "RFC 3339, UTC.", format="date-time")]
Seq = Annotated[int, _example(7, "The place in the conversation's log: 1, 2, 3, without a hole.")]
MessageIndex = Annotated[int, _example(5, "The place among the conversation's messages.")]
ClientIdText = Annotated[
    str,
    _example(
        "5f0c1d8e-1",
        "Made by the client, unique among what it sends: a repeat stores nothing and gets the "
        "first answer again. 1 to 64 printable ASCII characters. The header Idempotency-Key "
        "says the same.",
        pattern="^[!-~]{1,64}$",
    ),
]
AccessTokenText = Annotated[str, _example("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMWtheCJ9.c2lnbmVk")]
RefreshTokenText = Annotated[str, _example("rt_4mJt7v9QxYc2")]
SessionIdText = Annotated[str, _example("01kax3w2d5f7h9k1m3p5r7t9vx")]
PageLimit = Annotated[int, Meta(ge=1, le=200, description="How many at most; 50 if not given.")]
Before = Annotated[
    int, Meta(ge=1, le=_MAX_SEQ, description="Only what has a smaller `seq`; the newest of it.")
]
After = Annotated[
    int, Meta(ge=0, le=_MAX_SEQ, description="Only what has a larger `seq`; the oldest of it.")
]
HasMore = Annotated[
    bool, Meta(description="Whether more messages follow in the direction of paging.")
]
HealthWord = Literal["healthy", "unhealthy"]


class Nothing(Struct):
    """A query without parameters."""


# ---- users


class Register(Struct):
    """A new account."""

    username: Username
    password: Password
    email: Email


class Registered(Struct):
    """The account exists."""

    message: Annotated[str, _example("User registered successfully")]
    user_id: UserIdText


class Login(Struct):
    """Who logs in."""

    email: Email
    password: Password


class Tokens(Struct):
    """A session's access token, and the refresh token that gets the next one, once."""

    token: AccessTokenText
    refresh_token: RefreshTokenText
    user_id: UserIdText
    session_id: SessionIdText
    expires_in: Annotated[int, _example(900, "Seconds for which `token` is valid.")]


class Refresh(Struct):
    """Asks for new tokens of the same session."""

    refresh_token: RefreshTokenText


class Done(Struct):
    """It is done."""

    message: Annotated[str, _example("User logged out successfully")]


class Profile(Struct):
    """What may be known of a user. Others' emails are empty."""

    username: Username
    email: Email
    user_id: UserIdText
    created_at: Moment


class UsersQuery(Struct):
    """Whom to find."""

    query: Annotated[
        str, Meta(max_length=64, description="How the username begins; case does not matter.")
    ] = ""
    ids: Annotated[
        str,
        Meta(max_length=4096, description="User ids separated by commas, instead of `query`."),
    ] = ""
    limit: (
        Annotated[int, Meta(ge=1, le=100, description="How many at most; 20 if not given.")] | None
    ) = None


class UserSummary(Struct):
    """A user as others see them in a list."""

    user_id: UserIdText
    username: Username


class Users(Struct):
    """Users that were found."""

    users: list[UserSummary]


# ---- messages


class SendPrivate(Struct):
    """A message to one user."""

    sender_id: UserIdText
    receiver_id: OtherUserIdText
    message: MessageText
    client_id: ClientIdText | None = None


class SendToRoom(Struct):
    """A message to a room."""

    sender_id: UserIdText
    message: MessageText
    client_id: ClientIdText | None = None


class Sent(Struct):
    """The message is on disk, in its place."""

    message: Annotated[str, _example("Message sent successfully")]
    id: MessageIdText
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    created_at: Moment
    client_id: ClientIdText
    duplicate: Annotated[bool, Meta(description="Whether `client_id` had been stored before.")]


class PageQuery(Struct):
    """Which page of a history: the newest, unless `before` or `after` says otherwise."""

    limit: PageLimit | None = None
    before: Before | None = None
    after: After | None = None


class PrivateHistoryRequest(Struct):
    """Who reads, and which page; the query may say the page as well, and wins."""

    sender_id: UserIdText
    limit: PageLimit | None = None
    before: Before | None = None
    after: After | None = None


class PrivateMessage(Struct):
    """A message of a private chat."""

    sender_id: UserIdText
    receiver_id: OtherUserIdText
    message: MessageText
    created_at: Moment
    updated_at: Moment
    id: MessageIdText
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    client_id: ClientIdText


class PrivateHistory(Struct):
    """A page of a private chat, oldest first."""

    messages: list[PrivateMessage]
    has_more: HasMore


class RoomMessage(Struct):
    """A message in a room."""

    id: MessageIdText
    room_id: RoomIdText
    sender_id: UserIdText
    message: MessageText
    created_at: Moment
    updated_at: Moment
    conversation_id: ConversationIdText
    seq: Seq
    message_index: MessageIndex
    client_id: ClientIdText


class RoomHistory(Struct):
    """A page of a room, oldest first."""

    messages: list[RoomMessage]
    has_more: HasMore


# ---- rooms


class CreateRoom(Struct):
    """A new room. Its creator is a member without being listed."""

    room_name: RoomNameText
    creator_id: UserIdText
    members_ids: list[OtherUserIdText]
    client_id: ClientIdText | None = None


class RoomCreated(Struct):
    """The room exists."""

    message: Annotated[str, _example("Room created successfully")]
    room_id: RoomIdText
    seq: Seq
    client_id: ClientIdText
    duplicate: Annotated[bool, Meta(description="Whether `client_id` had created it before.")]


class AddMember(Struct):
    """Who is added."""

    user_id: OtherUserIdText
    client_id: ClientIdText | None = None


class LeaveRoom(Struct):
    """Who leaves: the caller."""

    user_id: UserIdText
    client_id: ClientIdText | None = None


class MembershipChanged(Struct):
    """The room has taken note, at `seq`."""

    message: Annotated[str, _example("User added to room successfully")]
    seq: Seq


class Member(Struct):
    """A member of a room."""

    user_id: UserIdText
    joined_at: Moment
    connected: Annotated[bool, Meta(description="Whether one of their sockets is open: a hint.")]


class Room(Struct):
    """A room and who is in it."""

    room_id: RoomIdText
    room_name: RoomNameText
    creator_id: UserIdText
    created_at: Moment
    members: list[Member]
    seq: Seq
    message_index: MessageIndex


# ---- conversations


class ConversationsQuery(Struct):
    """Which page of the list."""

    limit: PageLimit | None = None
    cursor: Annotated[
        str, Meta(max_length=512, description="`next_cursor` of the page before.")
    ] = ""


class LastMessage(Struct):
    """The newest message of a conversation."""

    id: MessageIdText
    sender_id: UserIdText
    message: MessageText
    created_at: Moment
    updated_at: Moment
    seq: Seq
    message_index: MessageIndex


class Conversation(Struct):
    """A room or a private chat as one user's list shows it."""

    conversation_id: ConversationIdText
    kind: Literal["room", "private"]
    room_id: Annotated[str, _example(_ROOM, "Empty for a private chat.")]
    room_name: Annotated[str, _example("Lunch", "Empty for a private chat.")]
    peer_id: Annotated[str, _example(_OTHER_USER, "The other user; empty for a room.")]
    seq: Seq
    message_index: MessageIndex
    read_index: Annotated[int, _example(3, "The `message_index` that has been read.")]
    unread: Annotated[int, _example(2)]
    last_activity_at: Moment
    last_message: LastMessage | None


class Conversations(Struct):
    """A page of one's conversations, newest activity first."""

    conversations: list[Conversation]
    next_cursor: Annotated[str, _example("", "Empty on the last page.")]


class MarkRead(Struct):
    """How far the caller has read."""

    message_index: Annotated[
        int, Meta(ge=0, le=_MAX_SEQ, description="Of the newest message that was read.")
    ]


class Read(Struct):
    """The mark that holds: the highest there was."""

    message: Annotated[str, _example("Conversation marked as read")]
    read_index: Annotated[int, _example(5)]
    unread: Annotated[int, _example(0)]


# ---- status


class GatewayStatus(Struct):
    """The gateway, and the services as it sees them."""

    gateway: HealthWord
    uptime_seconds: Annotated[float, _example(86400.5)]
    user_service: HealthWord
    chat_service: HealthWord


class DiscoveryStatus(Struct):
    """Service discovery."""

    status: Annotated[str, _example("healthy")]
    db_status: Annotated[str, _example("healthy")]
    uptime_seconds: Annotated[float, _example(86400.5)]
    registered_services: Annotated[int, _example(4)]


class ServiceStatus(Struct):
    """One service."""

    status: HealthWord


class Live(Struct):
    """The process serves."""

    status: Literal["ok"] = "ok"


class Ready(Struct):
    """Whether the gateway knows where the services are."""

    ready: bool
    users: bool
    chat: bool
