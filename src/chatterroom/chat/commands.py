"""What a client says on a socket that speaks `chatterroom.v1`. Pure: text in, commands out."""

from typing import Annotated

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "MAX_RESUMED",
    "ClientCommand",
    "Ping",
    "Resume",
    "Send",
    "parse_command",
    "reference_of",
]

Reference = Annotated[str, msgspec.Meta(max_length=64)]
MAX_RESUMED = 10_000


class Send(msgspec.Struct, frozen=True, tag="send"):
    """Write to a room or, with `receiver_id`, to a user. On a room's socket neither is needed."""

    message: str
    ref: Reference | None = None
    client_id: str | None = None
    room_id: str | None = None
    receiver_id: str | None = None


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Ask for all entries above the given seqs, then for what happens. Conversations that are
    not named start from now."""

    ref: Reference | None = None
    conversations: Annotated[
        dict[str, Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(max_length=MAX_RESUMED)
    ] = {}


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask for a pong."""

    ref: Reference | None = None


ClientCommand = Send | Resume | Ping

_decoder: msgspec.json.Decoder[ClientCommand] = msgspec.json.Decoder(ClientCommand)


class _Referenced(msgspec.Struct):
    ref: Reference | None = None


_decode_reference = msgspec.json.Decoder(_Referenced).decode


def parse_command(text: bytes) -> ClientCommand:
    """Return the command, or raise MALFORMED_JSON or INVALID_REQUEST."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise ChatterRoomError(ErrorCode.MALFORMED_JSON, "the message is not JSON") from None


def reference_of(text: bytes) -> str | None:
    """Return the `ref` of a command that could not be parsed, where it has a usable one."""
    try:
        return _decode_reference(text).ref
    except (msgspec.DecodeError, RecursionError):
        return None
