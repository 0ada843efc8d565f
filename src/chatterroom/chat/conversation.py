"""The state machine of a conversation. Pure: no I/O, and the caller passes the time.

A conversation is a log of entries numbered seq = 1, 2, 3, … without holes. `decide` answers a
command with the entry that comes next or with the rule it breaks; `apply` folds an entry into the
state that the next decision is made on:

    state, command ──decide──► entry          state, entry ──apply──► state

`message_index` counts the messages among the entries, so unread is a subtraction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, ConversationId, RoomId, UserId, is_private

__all__ = [
    "MAX_MEMBERS",
    "AddMember",
    "Command",
    "Conversation",
    "CreateRoom",
    "Entry",
    "LeaveRoom",
    "MemberAdded",
    "MemberLeft",
    "MessagePosted",
    "PostMessage",
    "RoomCreated",
    "apply",
    "decide",
]

MAX_MEMBERS = 10_000


class _Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every entry carries. `sender_id` and `client_id` name the request that made it."""

    conversation_id: ConversationId
    seq: int
    message_index: int
    sender_id: UserId
    client_id: ClientId
    created_at: datetime


class MessagePosted(_Entry, frozen=True, kw_only=True, tag="message", omit_defaults=True):
    """Somebody wrote. `receiver_id` is set in private chats."""

    message: str
    updated_at: datetime
    receiver_id: UserId | None = None


class RoomCreated(_Entry, frozen=True, kw_only=True, tag="room_created"):
    """The first entry of a room. `members_ids` includes the creator."""

    room_name: str
    members_ids: list[UserId]


class MemberAdded(_Entry, frozen=True, kw_only=True, tag="member_added"):
    """`user_id` became a member."""

    user_id: UserId


class MemberLeft(_Entry, frozen=True, kw_only=True, tag="member_left"):
    """`user_id` is no longer a member."""

    user_id: UserId


Entry = MessagePosted | RoomCreated | MemberAdded | MemberLeft


@dataclass(frozen=True, slots=True)
class PostMessage:
    """Write to a conversation; `receiver_id` is the other user of a private chat."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message: str
    receiver_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Open a room; the creator becomes a member whether listed or not."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    room_name: str
    members_ids: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class AddMember:
    """Make `user_id` a member. Any member may, and a service that acts for itself."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    user_id: UserId
    by_service: bool = False


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """End the sender's own membership."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId


Command = PostMessage | CreateRoom | AddMember | LeaveRoom


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the entries up to `seq` add up to. seq 0: nothing was ever written.

    `members` maps members to when they joined; it stays empty in private chats, whose id says who
    takes part.
    """

    id: ConversationId
    seq: int = 0
    message_index: int = 0
    room_name: str = ""
    creator_id: UserId | None = None
    created_at: datetime | None = None
    members: Mapping[UserId, datetime] = field(default_factory=dict)


def decide(state: Conversation, command: Command, now: datetime) -> Entry:
    """Return the entry that `command` appends to `state`, or raise the rule it breaks.

    A room one is not in is answered like a room that does not exist. A refusal is only as true
    as the state is fresh; an entry proves itself by being stored at its seq.
    """
    match command:
        case PostMessage():
            if not is_private(state.id):
                _require_member(state, command.sender_id)
            return MessagePosted(
                **_next(state, command, now, messages=1),
                message=command.message,
                updated_at=now,
                receiver_id=command.receiver_id,
            )
        case CreateRoom():
            if state.seq:
                raise ChatterRoomError(ErrorCode.ROOM_EXISTS, "this room exists already")
            members = list(dict.fromkeys((command.sender_id, *command.members_ids)))
            _require_space(len(members))
            return RoomCreated(
                **_next(state, command, now), room_name=command.room_name, members_ids=members
            )
        case AddMember():
            if not (command.by_service and state.seq):
                _require_member(state, command.sender_id)
            if command.user_id in state.members:
                raise ChatterRoomError(
                    ErrorCode.ALREADY_A_MEMBER, "the user is already a member of this room"
                )
            _require_space(len(state.members) + 1)
            return MemberAdded(**_next(state, command, now), user_id=command.user_id)
        case LeaveRoom():
            _require_member(state, command.sender_id)
            return MemberLeft(**_next(state, command, now), user_id=command.sender_id)
        case _:
            assert_never(command)


def apply(state: Conversation, entry: Entry) -> Conversation:
    """Return the state after `entry`, which must be the next one."""
    if entry.seq != state.seq + 1 or entry.conversation_id != state.id:
        raise ValueError(f"entry {entry.seq} does not follow {state.seq} of {state.id}")
    after = replace(state, seq=entry.seq, message_index=entry.message_index)
    match entry:
        case MessagePosted():
            return after
        case RoomCreated():
            return replace(
                after,
                room_name=entry.room_name,
                creator_id=entry.sender_id,
                created_at=entry.created_at,
                members=dict.fromkeys(entry.members_ids, entry.created_at),
            )
        case MemberAdded():
            return replace(after, members={**state.members, entry.user_id: entry.created_at})
        case MemberLeft():
            left = {user: at for user, at in state.members.items() if user != entry.user_id}
            return replace(after, members=left)
        case _:
            assert_never(entry)


def _next(
    state: Conversation, command: Command, now: datetime, messages: int = 0
) -> dict[str, Any]:
    return {
        "conversation_id": state.id,
        "seq": state.seq + 1,
        "message_index": state.message_index + messages,
        "sender_id": command.sender_id,
        "client_id": command.client_id,
        "created_at": now,
    }


def _require_member(state: Conversation, user_id: UserId) -> None:
    if user_id not in state.members:
        raise ChatterRoomError(
            ErrorCode.ROOM_NOT_FOUND,
            "there is no such room, or you are not in it",
            room_id=RoomId(state.id),
        )


def _require_space(members: int) -> None:
    if members > MAX_MEMBERS:
        raise ChatterRoomError(
            ErrorCode.TOO_MANY_MEMBERS,
            f"a room has at most {MAX_MEMBERS} members",
            max_members=MAX_MEMBERS,
        )
