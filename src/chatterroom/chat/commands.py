"""What a client says on a socket that speaks `chatterroom.v1`. Pure: text in, commands out.

Every command may carry a `ref`, which its answer repeats. Those that append to a conversation may
carry a `client_id`: a repeat with the same one appends nothing and gets the first answer again.
"""

from typing import Annotated

import msgspec

from chatterroom.chat.entries import Role
from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "MAX_RESUMED",
    "AddMember",
    "Change",
    "ChangeRole",
    "ClientCommand",
    "Delete",
    "Edit",
    "LeaveRoom",
    "Mark",
    "Pin",
    "Ping",
    "React",
    "RemoveMember",
    "Resume",
    "Send",
    "Typing",
    "UpdateRoom",
    "WatchPresence",
    "parse_command",
    "reference_of",
]

MAX_RESUMED = 5_000
# What is not followed is named in the reply.
ConversationName = Annotated[str, msgspec.Meta(max_length=128)]
# What is wrong may be as long as the whole command.
_MAX_REASON_CHARACTERS = 200


class _Command(msgspec.Struct, frozen=True, kw_only=True):
    ref: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class _Change(_Command, frozen=True, kw_only=True):
    client_id: str | None = None


class Send(_Change, frozen=True, kw_only=True, tag="send"):
    """Write to a room or, with `receiver_id`, to a user. On a room's socket neither is needed."""

    message: str
    room_id: str | None = None
    receiver_id: str | None = None
    reply_to: str | None = None


class Edit(_Change, frozen=True, kw_only=True, tag="edit"):
    """Replace the text of one's own message."""

    message_id: str
    message: str


class Delete(_Change, frozen=True, kw_only=True, tag="delete"):
    """Delete a message for everybody."""

    message_id: str


class React(_Change, frozen=True, kw_only=True, tag="react"):
    """Add or take back a reaction."""

    message_id: str
    emoji: str
    remove: bool = False


class Pin(_Change, frozen=True, kw_only=True, tag="pin"):
    """Pin a message, or take the pin out."""

    message_id: str
    remove: bool = False


class UpdateRoom(_Change, frozen=True, kw_only=True, tag="update_room"):
    """Rename a room or change some of its settings."""

    room_id: str
    room_name: str | None = None
    settings: dict[str, str] = {}


class AddMember(_Change, frozen=True, kw_only=True, tag="add_member"):
    """Add a user to a room, or up to a hundred: `user_ids`."""

    room_id: str
    user_id: str | None = None
    user_ids: list[str] = []


class RemoveMember(_Change, frozen=True, kw_only=True, tag="remove_member"):
    """Remove somebody else from a room."""

    room_id: str
    user_id: str


class LeaveRoom(_Change, frozen=True, kw_only=True, tag="leave_room"):
    """Leave a room."""

    room_id: str


class ChangeRole(_Change, frozen=True, kw_only=True, tag="change_role"):
    """Give a member another role; "owner" hands the room over."""

    room_id: str
    user_id: str
    role: Role


class Mark(_Command, frozen=True, kw_only=True, tag="mark"):
    """Say up to which message_index a conversation was read, or received."""

    conversation_id: str
    read: Annotated[int, msgspec.Meta(ge=0)] | None = None
    delivered: Annotated[int, msgspec.Meta(ge=0)] = 0


class Typing(_Command, frozen=True, kw_only=True, tag="typing"):
    """Tell the others that one is writing."""

    conversation_id: str


class WatchPresence(_Command, frozen=True, kw_only=True, tag="watch_presence"):
    """Ask who of these is online, and to be told of changes; instead of those before."""

    user_ids: list[str]


class Resume(_Command, frozen=True, kw_only=True, tag="resume"):
    """Ask for all entries above the given seqs, then for what happens. Conversations that are
    not named start from now."""

    conversations: Annotated[
        dict[ConversationName, Annotated[int, msgspec.Meta(ge=0)]],
        msgspec.Meta(max_length=MAX_RESUMED),
    ] = {}


class Ping(_Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for a pong."""


Change = (
    Edit | Delete | React | Pin | UpdateRoom | AddMember | RemoveMember | LeaveRoom | ChangeRole
)
ClientCommand = Send | Change | Mark | Typing | WatchPresence | Resume | Ping

_decoder: msgspec.json.Decoder[ClientCommand] = msgspec.json.Decoder(ClientCommand)
_reference_decoder = msgspec.json.Decoder(_Command)


def parse_command(text: bytes) -> ClientCommand:
    """Return the command, or raise MALFORMED_JSON or INVALID_REQUEST."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        reason = str(error)[:_MAX_REASON_CHARACTERS]
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, reason) from None
    except (msgspec.DecodeError, RecursionError):
        raise ChatterRoomError(ErrorCode.MALFORMED_JSON, "The message is not valid JSON.") from None


def reference_of(text: bytes) -> str | None:
    """Return the `ref` of a command that could not be parsed, where it has a usable one."""
    try:
        return _reference_decoder.decode(text).ref
    except (msgspec.DecodeError, RecursionError):
        return None
