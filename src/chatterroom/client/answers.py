"""What HTTP calls take and answer. Fields that a newer server adds are passed over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Raw, Struct

from chatterroom.client.events import (
    KnownEntry,
    Mark,
    Message,
    Unknown,
    UserPresence,
    decode_entry,
)

__all__ = [
    "Account",
    "ContactSettings",
    "Conversation",
    "LastMessage",
    "LoginSession",
    "Member",
    "MembershipChange",
    "Page",
    "Profile",
    "ReadMark",
    "Room",
    "RoomReceipt",
    "SecondFactor",
    "Tokens",
    "User",
    "WaitingRequest",
]


class Tokens(Struct, frozen=True):
    """What a user acts with. Secret: whoever holds the refresh token is the user."""

    token: str
    refresh_token: str
    user_id: str
    session_id: str
    expires_in: int
    """Seconds for which `token` was valid when it was issued."""

    def __repr__(self) -> str:
        return f"Tokens(user_id={self.user_id!r}, session_id={self.session_id!r}, …)"


class Profile(Struct, frozen=True):
    """What may be known of a user. A deployment may hide others' emails: then they are empty."""

    username: str
    email: str
    user_id: str
    created_at: datetime
    display_name: str = ""
    avatar_url: str = ""
    """A path of the same server; empty: no picture."""
    deleted: bool = False


class Account(Struct, frozen=True):
    """One's own account."""

    user_id: str
    username: str
    email: str
    display_name: str
    avatar_url: str
    created_at: datetime
    preferences: dict[str, Any]
    """What clients keep for the user; the server looks at nothing in it."""
    second_factor: bool
    """Whether logins need a code."""


class User(Struct, frozen=True):
    """A user as lists show them."""

    user_id: str
    username: str
    display_name: str = ""
    avatar_url: str = ""
    deleted: bool = False


class SecondFactor(Struct, frozen=True):
    """A secret for an authenticator app, and the same as a URI for a QR code."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "SecondFactor(…)"


class RoomReceipt(Struct, frozen=True):
    """The room exists. `duplicate`: `client_id` had created it before."""

    room_id: str
    seq: int
    client_id: str
    duplicate: bool
    invited_ids: list[str] = []
    """Who is no member yet, but asked to accept."""


class MembershipChange(Struct, frozen=True):
    """The room has taken note, with the entry at `seq`; or, where `invited`, the user is no member
    yet, but asked to accept."""

    seq: int
    invited: bool = False
    added: int = 1
    invited_ids: list[str] = []


class Member(Struct, frozen=True):
    """A member of a room: "member", "admin" or "owner". `connected` is a hint."""

    user_id: str
    joined_at: datetime
    connected: bool
    role: str = "member"


class Room(Struct, frozen=True):
    """A room and who is in it, by id."""

    room_id: str
    room_name: str
    creator_id: str
    created_at: datetime
    members: list[Member]
    seq: int
    message_index: int
    settings: dict[str, str] = {}
    """Who adds (`adding`), who writes (`posting`), what newcomers read (`history`)."""
    next_cursor: str = ""
    """Where more members follow; `Client.room` has asked for them all."""
    member_count: int = 0
    role: str = ""
    """One's own."""


class Page(Struct, frozen=True):
    """A part of a history, oldest first. `has_more`: in the direction of paging."""

    messages: list[Message]
    has_more: bool
    entries: list[KnownEntry | Unknown] = []
    """What is no message, if that was asked for."""


class StoredPage(Struct, frozen=True):
    """A page as it is sent; servers of earlier versions send no entries."""

    messages: list[Message]
    has_more: bool
    entries: list[Raw] = []

    def page(self) -> Page:
        """Return the page, with entries of types that are not known as they are."""
        entries = [decode_entry(bytes(entry)) for entry in self.entries]
        return Page(self.messages, self.has_more, entries)


class LastMessage(Struct, frozen=True):
    """The newest message of a conversation."""

    id: str
    sender_id: str
    message: str
    created_at: datetime
    updated_at: datetime
    seq: int
    message_index: int


class Conversation(Struct, frozen=True):
    """A room or a private chat as one user's list shows it."""

    conversation_id: str
    kind: Literal["room", "private"]
    room_id: str
    """Empty for a private chat."""
    room_name: str
    """Empty for a private chat."""
    peer_id: str
    """The other user; empty for a room."""
    seq: int
    message_index: int
    read_index: int
    unread: int
    last_activity_at: datetime
    last_message: LastMessage | None
    added_by: str | None = None
    """Who added one to the room, until one has marked it as read, or written."""


class ReadMark(Struct, frozen=True):
    """The mark that holds: the highest there was."""

    read_index: int
    unread: int


# The rest is between this library and the server.


class Registered(Struct, frozen=True):
    """The account exists."""

    user_id: str


class Done(Struct, frozen=True):
    """It is done."""

    message: str


class LoginSession(Struct, frozen=True):
    """One login of oneself on one device. `last_seen_at` is about a minute exact."""

    session_id: str
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


class LoginSessions(Struct, frozen=True):
    """A page of one's sessions, newest first."""

    sessions: list[LoginSession]
    has_more: bool = False


class SessionsEnded(Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


class Users(Struct, frozen=True):
    """Users that were found."""

    users: list[User]


class ConversationPage(Struct, frozen=True):
    """A part of the list; `next_cursor` is empty on the last page."""

    conversations: list[Conversation]
    next_cursor: str


class Register(Struct, frozen=True):
    """A new account."""

    username: str
    email: str
    password: str


class Login(Struct, frozen=True, omit_defaults=True):
    """Who logs in."""

    email: str
    password: str
    code: str | None = None


class UpdateAccount(Struct, frozen=True, omit_defaults=True):
    """What to change of an account."""

    username: str | None = None
    display_name: str | None = None
    avatar: str | None = None
    preferences: dict[str, Any] | None = None
    code: str | None = None


class ChangePassword(Struct, frozen=True, omit_defaults=True):
    """The old password and the new one."""

    current_password: str
    new_password: str
    code: str | None = None


class Confirmation(Struct, frozen=True, omit_defaults=True):
    """What proves that it is really the user who asks."""

    password: str | None = None
    code: str | None = None


class RecoveryCodes(Struct, frozen=True):
    """Codes that work once each."""

    recovery_codes: list[str]


class Refresh(Struct, frozen=True):
    """Asks for new tokens."""

    refresh_token: str


class Reader(Struct, frozen=True):
    """Who reads a private chat."""

    sender_id: str


class SendPrivate(Struct, frozen=True):
    """A message to a user."""

    sender_id: str
    receiver_id: str
    message: str
    client_id: str


class SendToRoom(Struct, frozen=True):
    """A message to a room."""

    sender_id: str
    message: str
    client_id: str


class CreateRoom(Struct, frozen=True):
    """A new room."""

    room_name: str
    creator_id: str
    members_ids: list[str]
    client_id: str


class ChangeMembership(Struct, frozen=True):
    """Who is added, or leaves."""

    user_id: str
    client_id: str


class AddMembers(Struct, frozen=True):
    """Who are added."""

    user_ids: list[str]
    client_id: str


class MarkRead(Struct, frozen=True):
    """How far one has read."""

    message_index: int


class MarkDelivered(Struct, frozen=True):
    """How far a conversation has reached a device."""

    message_index: int


class MemberMarks(Struct, frozen=True):
    """How far members have read and received; `next_cursor` is empty on the last page."""

    marks: list[Mark]
    next_cursor: str = ""


class EditMessage(Struct, frozen=True):
    """The new text."""

    message: str
    client_id: str


class Pins(Struct, frozen=True):
    """A page of pinned messages, oldest first; older ones may follow."""

    messages: list[Message]
    has_more: bool = False


class UpdateRoom(Struct, frozen=True, omit_defaults=True):
    """What to change of a room."""

    room_name: str | None = None
    settings: Mapping[str, str] | None = None
    client_id: str | None = None


class ChangeRole(Struct, frozen=True):
    """A new role."""

    role: str
    client_id: str


class Presences(Struct, frozen=True):
    """Who is online."""

    users: list[UserPresence]


class ContactSettings(Struct, frozen=True):
    """Who may add one to rooms, and write to one first, without one's accepting.

    Each is "everyone", "shared" (people with whom one shares a conversation) or "nobody".
    """

    add_to_rooms: str
    message_first: str


class WaitingRequest(Struct, frozen=True):
    """Somebody who wants to write to one (`kind` "message"), or to add one to a room ("room")."""

    kind: str
    conversation_id: str
    """Names the request when it is answered."""
    user_id: str
    room_name: str
    preview: str
    """The beginning of the first message."""
    created_at: datetime


class WaitingRequestPage(Struct, frozen=True):
    """A page of requests."""

    requests: list[WaitingRequest]
    next_cursor: str


class ChangeContactSettings(Struct, frozen=True, omit_defaults=True):
    """What to change."""

    add_to_rooms: str | None = None
    message_first: str | None = None


class Blocks(Struct, frozen=True):
    """Whom one has blocked."""

    user_ids: list[str]
