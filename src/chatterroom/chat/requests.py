"""What may not reach somebody without their accepting: the choices, limits and errors. Pure.

A first message from somebody who needs accepting opens a *message request*: the private chat
exists, but the receiver does not take part in it yet. Somebody who may not be added to a room is
*invited* instead. Both wait in the list of requests until they are accepted or declined.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, ConversationId, RoomId, UserId

__all__ = [
    "INVITATION_DAYS",
    "MAX_INVITATIONS",
    "MAX_MESSAGE_REQUESTS",
    "MAX_UNACCEPTED_MESSAGES",
    "ContactSettings",
    "Invitation",
    "Invited",
    "Request",
    "RequestState",
    "WhoMay",
    "invitation_void",
    "no_such_request",
    "not_accepted",
    "too_many_requests",
]

MAX_UNACCEPTED_MESSAGES = 10
"""How much one may write before being accepted."""
MAX_MESSAGE_REQUESTS = 500
"""Open message requests of one user."""
MAX_INVITATIONS = 100
"""Open invitations of one user."""
INVITATION_DAYS = 30

WhoMay = Literal["everyone", "shared", "nobody"]
RequestState = Literal["pending", "declined"]


class ContactSettings(msgspec.Struct, frozen=True):
    """Who may do what without one's accepting: everyone, people with whom one shares a
    conversation, or nobody."""

    add_to_rooms: WhoMay = "everyone"
    message_first: WhoMay = "everyone"


@dataclass(frozen=True, slots=True)
class Invitation:
    """That somebody may become a member of a room; `client_id` names the request that will make
    them one."""

    user_id: UserId
    room_id: RoomId
    inviter_id: UserId
    client_id: ClientId
    invited_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """What adding somebody has come to who must accept first. `seq` is the room's newest entry."""

    room_id: RoomId
    user_id: UserId
    client_id: ClientId
    seq: int
    invited_at: datetime
    duplicate: bool
    """Whether they had been invited before; the inviter is not notified of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message request or an invitation as its list shows it.

    `preview` is the beginning of the first message; `room_name` is set for an invitation.
    """

    conversation_id: ConversationId
    user_id: UserId
    created_at: datetime
    room_name: str = ""
    preview: str = ""


def not_accepted(reason: str) -> ChatterRoomError:
    """Return the error for what must wait until a message request is accepted."""
    return ChatterRoomError(ErrorCode.NOT_ACCEPTED, reason)


def no_such_request(conversation_id: ConversationId) -> ChatterRoomError:
    """Return the error for a request that does not exist, or has been answered."""
    return ChatterRoomError(
        ErrorCode.REQUEST_NOT_FOUND,
        "There is no such request.",
        conversation_id=conversation_id,
    )


def invitation_void() -> ChatterRoomError:
    """Return the error for an invitation whose inviter may not add people any more."""
    return ChatterRoomError(
        ErrorCode.INVITATION_VOID,
        "This invitation is no longer valid: the person who sent it can no longer add you.",
    )


def too_many_requests(user_id: UserId) -> ChatterRoomError:
    """Return the error for reaching out to somebody who has too many open requests."""
    return ChatterRoomError(
        ErrorCode.RATE_LIMITED,
        "This person has too many open requests. Try again later.",
        retry_after_s=3600.0,
        policy="open requests of a person",
        user_id=user_id,
    )
