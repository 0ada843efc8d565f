"""A client library for ChatterRoom.

The names that are re-exported here are the whole public surface; the modules behind them may
change.
"""

from chatterroom.client.answers import (
    Conversation,
    LastMessage,
    Member,
    MembershipChange,
    Page,
    Profile,
    ReadMark,
    Room,
    RoomReceipt,
    Tokens,
    User,
)
from chatterroom.client.client import Client
from chatterroom.client.errors import (
    ApiError,
    ClientError,
    ConnectionLostError,
    NotLoggedInError,
    SessionClosedError,
    UnacknowledgedError,
)
from chatterroom.client.events import (
    Ack,
    Entry,
    Event,
    Gone,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    Message,
    Reply,
    RoomCreated,
    Unknown,
)
from chatterroom.client.session import Session, SessionState

__all__ = [
    "Ack",
    "ApiError",
    "Client",
    "ClientError",
    "ConnectionLostError",
    "Conversation",
    "Entry",
    "Event",
    "Gone",
    "LastMessage",
    "Member",
    "MemberAdded",
    "MemberLeft",
    "MemberRemoved",
    "MembershipChange",
    "Message",
    "NotLoggedInError",
    "Page",
    "Profile",
    "ReadMark",
    "Reply",
    "Room",
    "RoomCreated",
    "RoomReceipt",
    "Session",
    "SessionClosedError",
    "SessionState",
    "Tokens",
    "UnacknowledgedError",
    "Unknown",
    "User",
]
