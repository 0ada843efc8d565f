"""Plain sockets for what no client library would send, and no server should mind."""

import base64
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.frames import Close, Frame, Opcode

__all__ = ["WebSocket", "closing", "frame", "heard", "request", "status_of", "talk"]

WAIT_S = 15.0
_SIZES = {126: 2, 127: 8}


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request in bytes; underscores in the names of headers become dashes."""
    named = {"Host": "chat.example", **headers}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def talk(port: int, sent: bytes, *, end: bool = False) -> bytes:
    """Send, and return what comes until the other side hangs up; `end` says nothing follows."""
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as plain:
        try:
            plain.sendall(sent)
            if end:
                plain.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return heard(plain)


def heard(plain: socket.socket) -> bytes:
    """Return what a server says until it hangs up, which it must do in time."""
    received = b""
    try:
        while data := plain.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def status_of(answer: bytes) -> int:
    """Return the status of an HTTP answer, 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a masked frame; opcodes that do not exist are allowed."""
    made = bytearray(Frame(Opcode.TEXT, data, fin).serialize(mask=True))
    made[0] = (made[0] & 0x80) | rsv << 4 | opcode
    return bytes(made)


def closing(code: int = 1000) -> bytes:
    """Return a close frame."""
    return frame(Opcode.CLOSE, code.to_bytes(2))


class WebSocket:
    """A client that does what it is told, and nothing by itself."""

    def __init__(self, plain: socket.socket, note: Callable[[bytes], None]) -> None:
        self.plain = plain
        self._note = note
        self._stream = plain.makefile("rb")
        self.head = b""

    @classmethod
    @contextmanager
    def open(
        cls, port: int, path: str, note: Callable[[bytes], None], **headers: str
    ) -> Iterator["WebSocket"]:
        """Shake hands; `head` is the answer, `status_of` which tells whether it is open."""
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as plain:
            opened = cls(plain, note)
            with opened._stream:
                opened._shake_hands(path, headers)
                yield opened

    def _shake_hands(self, path: str, headers: dict[str, str]) -> None:
        named = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": base64.b64encode(os.urandom(16)).decode(),
        }
        self.send(request("GET", path, **(named | headers)))
        while not self.head.endswith(b"\r\n\r\n"):
            line = self._stream.readline()
            if not line:
                break
            self.head += line
        if not self.is_open:
            self.head += self._stream.read()
        self._note(self.head)

    @property
    def is_open(self) -> bool:
        return status_of(self.head) == 101

    def send(self, data: bytes) -> None:
        """Send bytes as they are; a server that has hung up meanwhile does not matter."""
        with suppress(ConnectionError):
            self.plain.sendall(data)

    def say(self, **command: Any) -> None:
        """Send a command."""
        self.send(frame(Opcode.TEXT, json.dumps(command).encode()))

    def next(self) -> tuple[Opcode, bytes] | None:
        """Return the next frame, or None at the end of the connection."""
        try:
            start = self._stream.read(2)
            if len(start) < 2:
                return None
            assert start[0] & 0xF0 == 0x80, "a server's frames are whole"
            assert start[1] < 0x80, "a server masks nothing"
            size = _SIZES.get(start[1])
            length = int.from_bytes(self._stream.read(size)) if size else start[1]
            data = self._stream.read(length)
        except ConnectionError:
            return None
        self._note(data)
        return Opcode(start[0] & 0xF), data

    def hear(self, type_: str) -> dict[str, Any]:
        """Return the next event of a type."""
        while True:
            event = json.loads(self._expect(Opcode.TEXT))
            if event["type"] == type_:
                return event

    def _expect(self, opcode: Opcode) -> bytes:
        found = self.next()
        assert found is not None, "the connection has ended"
        assert found[0] is opcode, found
        return found[1]

    def closed_with(self) -> int | None:
        """Skip to the close, answer it, and return its code, or None without one."""
        while (found := self.next()) is not None:
            if found[0] is Opcode.CLOSE:
                self.send(frame(Opcode.CLOSE, found[1]))
                while (later := self.next()) is not None:
                    # picows repeats the close of a frame that it cannot parse.
                    assert later == found, "nothing else may come after a close"
                return Close.parse(found[1]).code
        return None
