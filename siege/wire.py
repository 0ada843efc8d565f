"""HTTP and WebSockets in bytes, for those who do not care what is allowed."""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CLOSE", "TEXT", "Connection", "Reply", "frame", "handshake", "request"]

TEXT, CLOSE = 0x1, 0x8
_SIZES = {126: 2, 127: 8}
_READ_LIMIT = 64 * 1024


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request."""
    named = {"Host": "siege", **headers}
    if body or method in {"POST", "PUT", "PATCH"}:
        named = {"Content-Type": "application/json", "Content-Length": f"{len(body)}", **named}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def handshake(path: str, headers: Mapping[str, str]) -> bytes:
    """Return the request that opens a WebSocket."""
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "chatterroom.v1",
    }
    return request("GET", path, {**upgrade, **headers})


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a frame, masked with zeros: what it says is not changed by that."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    length = len(data)
    if length < 126:
        head = bytes([first, 0x80 | length])
    elif length < 65_536:
        head = bytes([first, 0x80 | 126]) + length.to_bytes(2)
    else:
        head = bytes([first, 0x80 | 127]) + length.to_bytes(8)
    return head + bytes(4) + data


@dataclass(frozen=True)
class Reply:
    """A response; status 0 where none came."""

    status: int
    body: bytes = b""
    is_last: bool = True
    """Whether nothing more can be asked on this connection."""


class Connection:
    """A TCP connection to the platform."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(
        cls, port: int, *, source: str = "", receive_bytes: int = 0, within_s: float = 10.0
    ) -> "Connection":
        """Connect, from an address of our own on loopback if one is given.

        Raises OSError and TimeoutError.
        """
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.setblocking(False)
            if receive_bytes:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            if source:
                with contextlib.suppress(OSError):  # systems where loopback has one address
                    plain.bind((source, 0))
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(within_s):
                await loop.sock_connect(plain, ("127.0.0.1", port))
            limit = receive_bytes or _READ_LIMIT
            reader, writer = await asyncio.open_connection(sock=plain, limit=limit)
        except BaseException:
            plain.close()
            raise
        return cls(reader, writer)

    def write(self, data: bytes) -> None:
        """Send, without waiting."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the other side takes what was sent. Raises OSError."""
        await self._writer.drain()

    async def reply(self) -> Reply:
        """Read one response. Raises what streams raise."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        fields = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:] if line)
        if status == 101:
            return Reply(status, is_last=False)
        body = await self._reader.readexactly(int(fields.get("content-length", "0")))
        return Reply(status, body, fields.get("connection") == "close")

    async def next_frame(self) -> tuple[int, bytes] | None:
        """Return opcode and content of the next frame, None at the end."""
        try:
            first, second = await self._reader.readexactly(2)
            size = _SIZES.get(second & 0x7F)
            length = int.from_bytes(await self._reader.readexactly(size)) if size else second & 0x7F
            return first & 0xF, await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            return None

    async def until_ended(self) -> bytes:
        """Return what still comes until the other side hangs up, as far as the first kilobytes."""
        kept = b""
        with contextlib.suppress(OSError):
            while data := await self._reader.read(_READ_LIMIT):
                kept = (kept + data)[:_READ_LIMIT]
        return kept

    @property
    def has_ended(self) -> bool:
        """Whether the other side has hung up, as far as we have read."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()
