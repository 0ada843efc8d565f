"""WebSocket and NATS bytes as a client sees them: where one frame ends, and what is in it.

Frames are cut out of what was received, never decoded further.
"""

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping

__all__ = [
    "PONG",
    "close_reason",
    "cut_http",
    "cut_nats",
    "cut_websocket",
    "text_command",
    "upgrade_request",
]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_FINAL_TEXT = 0x81
_CLOSE = 0x88
_MASKED = 0x80
# A mask of zeros leaves the payload as it is: legal, and nothing to compute.
_NO_MASK = b"\0\0\0\0"
PONG = bytes((0x8A, _MASKED)) + _NO_MASK


def upgrade_request(target: str, headers: Mapping[str, str]) -> bytes:
    """Return the request that asks for a WebSocket."""
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def text_command(payload: bytes) -> bytes:
    """Return a client's text frame."""
    length = len(payload)
    if length < 126:
        return bytes((_FINAL_TEXT, _MASKED | length)) + _NO_MASK + payload
    if length < 65536:
        return bytes((_FINAL_TEXT, _MASKED | 126)) + length.to_bytes(2) + _NO_MASK + payload
    return bytes((_FINAL_TEXT, _MASKED | 127)) + length.to_bytes(8) + _NO_MASK + payload


def close_reason(frame: bytes) -> tuple[int, str] | None:
    """Return code and reason of a WebSocket close frame, or None for any other frame."""
    if frame[0] != _CLOSE:
        return None
    return int.from_bytes(frame[2:4]), frame[4:].decode(errors="replace")


def cut_websocket(received: bytes) -> Iterator[bytes]:
    """Give each complete frame, header included; what is left over is given by nobody."""
    at, end = 0, len(received)
    while at + 2 <= end:
        length = received[at + 1]
        if length < 126:
            stop = at + 2 + length
        elif length == 126:
            stop = at + 4 + int.from_bytes(received[at + 2 : at + 4]) if at + 4 <= end else end + 1
        else:
            stop = at + 10 + int.from_bytes(received[at + 2 : at + 10])
            stop = stop if at + 10 <= end else end + 1
        if stop > end:
            return
        yield received[at:stop]
        at = stop


def cut_http(received: bytes) -> Iterator[bytes]:
    """Give each complete answer, head and body."""
    at = 0
    while True:
        body = received.find(b"\r\n\r\n", at) + 4
        if body < 4:
            return
        length = _LENGTH.search(received, at, body)
        stop = body + (int(length[1]) if length else 0)
        if stop > len(received):
            return
        yield received[at:stop]
        at = stop


def cut_nats(received: bytes) -> Iterator[bytes]:
    """Give each complete line of the NATS protocol, a message together with its payload."""
    at, end = 0, len(received)
    while at < end:
        stop = received.find(b"\r\n", at) + 2
        if stop < 2:
            return
        if received.startswith(b"MSG ", at):
            stop += int(received[received.rfind(b" ", at, stop) : stop]) + 2
        if stop > end:
            return
        yield received[at:stop]
        at = stop
