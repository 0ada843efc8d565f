"""What a load generator says to each kind of server, and how it cuts what it hears."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.checking import VoidRunError
from bench.frames import PONG, cut_nats, cut_websocket, text_command

__all__ = ["CHATTERROOM", "NATS", "PLAIN", "SOCKET_IO", "Dialect", "Opening"]

_PING = 0x89


@dataclass(frozen=True)
class Opening:
    """How one connection begins: a first request, then answers to what the server says.

    Each step is what to wait for in a frame and what to say then; after the last the connection
    is open.
    """

    request: bytes
    steps: tuple[tuple[bytes, bytes], ...]
    is_upgrade: bool = True
    resumes: str = ""
    """The room whose missed messages the first step asks for: all those not held yet."""


@dataclass(frozen=True)
class Dialect:
    """One protocol. `command` makes bytes of (room, sender, number, text)."""

    name: str
    cut: Callable[[bytes], Iterator[bytes]]
    answer: Callable[[bytes], bytes]
    """Returns what to reply to a frame that is no message, or nothing."""
    command: Callable[[str, int, int, str], bytes]
    has_seqs: bool = False
    has_acks: bool = False
    steps: tuple[tuple[bytes, bytes], ...] = field(default=())


def _answer_control(frame: bytes) -> bytes:
    return PONG if frame[0] == _PING else b""


def _answer_chatterroom(frame: bytes) -> bytes:
    if b'"type":"error"' in frame[:40]:
        raise VoidRunError(f"the server refused: {frame[2:].decode(errors='replace')}")
    return _answer_control(frame)


def _answer_socket_io(frame: bytes) -> bytes:
    # Engine.IO has a ping of its own: "2", answered with "3".
    return text_command(b"3") if frame == b"\x81\x012" else _answer_control(frame)


def _answer_nats(line: bytes) -> bytes:
    if line.startswith(b"-ERR"):
        raise VoidRunError(f"the server refused: {line.decode(errors='replace')}")
    return b"PONG\r\n" if line == b"PING\r\n" else b""


def _send(room: str, sender: int, number: int, text: str) -> bytes:
    return text_command(
        b'{"type":"send","ref":"%d","client_id":"%d-%d","room_id":"%s","message":"%s"}'
        % (number, sender, number, room.encode(), text.encode())
    )


def _say(room: str, sender: int, number: int, text: str) -> bytes:
    del room, sender, number
    return text_command(text.encode())


def _emit(room: str, sender: int, number: int, text: str) -> bytes:
    del room, sender, number
    return text_command(b'42["message","%s"]' % text.encode())


def _publish(room: str, sender: int, number: int, text: str) -> bytes:
    del sender, number
    return b"PUB %s %d\r\n%s\r\n" % (room.encode(), len(text), text.encode())


CHATTERROOM = Dialect(
    "chatterroom",
    cut_websocket,
    _answer_chatterroom,
    _send,
    has_seqs=True,
    has_acks=True,
    steps=(
        (b'"type":"ready"', text_command(b'{"type":"resume","conversations":{}}')),
        (b'"type":"resumed"', b""),
    ),
)
PLAIN = Dialect("plain WebSocket", cut_websocket, _answer_control, _say)
SOCKET_IO = Dialect(
    "Socket.IO",
    cut_websocket,
    _answer_socket_io,
    _emit,
    steps=((b"0{", text_command(b"40")), (b"40{", b"")),
)
NATS = Dialect(
    "NATS",
    cut_nats,
    _answer_nats,
    _publish,
    steps=(
        (b"INFO ", b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB room 1\r\nPING\r\n'),
        (b"PONG", b""),
    ),
)
