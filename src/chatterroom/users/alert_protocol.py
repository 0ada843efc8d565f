"""What is said on `/ws/alert`, beside the alerts themselves: JSON objects with a `type`."""

import msgspec

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import SessionId

__all__ = ["Ack", "Acked", "Answer", "Pong", "Problem", "Ready", "answer_to"]

Ref = str | int | None


class Ready(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """The first event: the socket is open for the session of its access token."""

    session_id: SessionId


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """Asks for a sign of life."""

    ref: Ref = None


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """The sign of life, with the `ref` of the ping."""

    ref: Ref


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Says that the user has seen an alert, and all before it."""

    alert_id: str
    ref: Ref = None


class Acked(msgspec.Struct, frozen=True, tag_field="type", tag="acked", omit_defaults=True):
    """Confirms an `ack`."""

    alert_id: str
    ref: Ref = None


class Problem(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """A message that was not understood; the socket stays open."""

    code: str
    detail: str
    ref: Ref


class _WithRef(msgspec.Struct):
    ref: Ref = None


Answer = Pong | Acked | Problem

_commands = msgspec.json.Decoder(Ping | Ack)
_refs = msgspec.json.Decoder(_WithRef)


def answer_to(text: bytes) -> Answer | Ack:
    """Return the answer to a message of a client, whatever it is; an `Ack` is for its reader."""
    try:
        command = _commands.decode(text)
    except msgspec.ValidationError as error:
        return Problem(ErrorCode.INVALID_REQUEST.value, str(error), _ref_of(text))
    except (msgspec.DecodeError, RecursionError):
        return Problem(ErrorCode.MALFORMED_JSON.value, "The message is not valid JSON.", None)
    if isinstance(command, Ping):
        return Pong(command.ref)
    ack: Ack = command
    return ack


def _ref_of(text: bytes) -> Ref:
    try:
        return _refs.decode(text).ref
    except (msgspec.DecodeError, RecursionError):
        return None
