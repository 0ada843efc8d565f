"""Many client connections in one process, on raw sockets and epoll.

A bug of a server shows as a `VoidRunError`; nothing here retries what a server refused.
"""

import heapq
import random
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.checking import Reader, RoomsReader, VoidRunError
from bench.dialects import Dialect, Opening
from bench.frames import close_reason, cut_websocket, text_command

__all__ = ["BUFFER_BYTES", "ClosedError", "Connection", "Connections", "Target"]

BUFFER_BYTES = 1 << 18
_OPENING_S = 90.0
_SENDING_S = 10.0
_COME_BACK = (1006, 1012, 1013)
_PAUSE_S = (0.25, 1.0)


_LOST = 1006


class ClosedError(VoidRunError):
    """The server has closed a socket; 1006 where it said nothing."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the server closed a socket with {code}: {reason}")
        self.code = code


@dataclass(frozen=True)
class Target:
    """One connection to make: where to, how it begins, and which conversations it follows."""

    address: tuple[str, int]
    opening: Opening
    rooms: tuple[str, ...] = ()


class Connection:
    """One socket, first opened step by step, then read by its reader."""

    __slots__ = (
        "_dialect",
        "_head",
        "_step",
        "closed",
        "heard",
        "opened_at",
        "reader",
        "socket",
        "target",
    )

    def __init__(self, target: Target, dialect: Dialect) -> None:
        self.target = target
        self.reader: Reader | RoomsReader | None = None
        self.heard: Callable[[bytes], None] | None = None
        """Instead of a reader: takes every frame but what the dialect answers."""
        self.opened_at = 0.0
        self._dialect = dialect
        self.closed: tuple[int, str] | None = None
        self.socket = self._connect()

    def begin_again(self) -> None:
        """Connect anew; what the reader holds it keeps."""
        self.socket.close()
        self.closed = None
        self.opened_at = 0.0
        if isinstance(self.reader, Reader):
            self.reader.begin_again()
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        self._head = b""
        self._step = -1 if self.target.opening.is_upgrade else 0
        new = socket.socket()
        new.setblocking(False)
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        new.connect_ex(self.target.address)
        return new

    def send(self, data: bytes) -> None:
        """Send everything, waiting where the server does not read."""
        sent = 0
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            pass
        except ConnectionError as error:
            raise ClosedError(_LOST, str(error)) from error
        if sent < len(data):
            self.socket.settimeout(_SENDING_S)
            self.socket.sendall(data[sent:])
            self.socket.setblocking(False)

    def begin(self) -> None:
        """Say the first word; where nobody has to answer it, the connection is open."""
        opening = self.target.opening
        if opening.request:
            self.send(opening.request)
        if not opening.is_upgrade and not opening.steps:
            self.opened_at = time.monotonic()

    def answer(self, frame: bytes) -> None:
        """Answer what the protocol asks; note a close."""
        if self._dialect.cut is cut_websocket and (closed := close_reason(frame)):
            self.closed = closed
        elif self.target.opening.resumes and b'"code":"storage_unavailable"' in frame:
            # A resume that failed half-way cannot be repeated on the same socket.
            self.closed = (1013, "storage_unavailable")
        elif reply := self._dialect.answer(frame):
            self.send(reply)

    def receive(self, buffer: memoryview) -> int:
        """Read what is there; return how many more messages are held.

        Raises `VoidRunError`, and `ClosedError` where the server has said goodbye.
        """
        gained = self._receive(buffer)
        if self.closed is not None:
            raise ClosedError(*self.closed)
        return gained

    def _receive(self, buffer: memoryview) -> int:
        try:
            count = self.socket.recv_into(buffer)
        except BlockingIOError:
            return 0
        except ConnectionError as error:
            raise ClosedError(_LOST, str(error)) from error
        if count == 0:
            raise ClosedError(_LOST, f"it hung up; last heard: {self._head[-200:]!r}")
        received = buffer[:count]
        if not self.opened_at:
            return self._open(bytes(received))
        if self.reader is not None:
            return self.reader.feed(received)
        self._listen(bytes(received))
        return 0

    def _resume(self) -> bytes:
        room = self.target.opening.resumes
        if not room or self._step or self.reader is None:
            return b""
        # Seq 1 is the room's creation.
        after = 1 + self.reader.held
        return text_command(b'{"type":"resume","conversations":{"%s":%d}}' % (room.encode(), after))

    def _listen(self, received: bytes) -> None:
        data = self._head + received
        used = 0
        for frame in self._dialect.cut(data):
            used += len(frame)
            self.answer(frame)
            if self.heard is not None:
                self.heard(frame)
        self._head = data[used:]

    def _open(self, received: bytes) -> int:
        self._head += received
        if self._step < 0:
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return 0
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise VoidRunError(f"a handshake was refused: {self._head.decode()}")
            self._head = rest
            self._step = 0
        steps = self.target.opening.steps
        used = 0
        for frame in self._dialect.cut(self._head):
            if self._step == len(steps):
                break
            used += len(frame)
            expected, reply = steps[self._step]
            if expected in frame:
                reply = self._resume() or reply
                if reply:
                    self.send(reply)
                self._step += 1
            else:
                self.answer(frame)
        self._head = self._head[used:]
        if self._step < len(steps):
            return 0
        self.opened_at = time.monotonic()
        rest, self._head = self._head, b""
        if rest and self.reader is not None:
            return self.reader.feed(memoryview(rest))
        if rest:
            self._listen(rest)
        return 0


class Connections:
    """The open connections of this process behind one epoll."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.open: list[Connection] = []
        self.held = 0
        self.goal = 0
        self.reached: list[float] = []
        """When each connection came to hold as many messages as `goal` says."""
        self.repeats = 0
        """How often a server asked a connection to come back later."""
        self._again: list[tuple[float, int, Connection]] = []
        self._by_fd: dict[int, Connection] = {}
        self._epoll = select.epoll()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._others: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """Call `readable` when a descriptor of the caller's is."""
        self._epoll.register(fd, select.EPOLLIN)
        self._others[fd] = readable

    def connect(
        self, targets: Sequence[Target], at_once: int, prepare: Callable[[Connection], None]
    ) -> float:
        """Open connections, `at_once` at a time; return how long it took.

        Raises `VoidRunError` where one is refused, or not all of them open in time.
        """
        started = time.monotonic()
        waiting = deque(targets)
        opening: set[Connection] = set()
        self.repeats = 0
        while waiting or opening:
            while waiting and len(opening) < at_once:
                connection = Connection(waiting.popleft(), self.dialect)
                prepare(connection)
                opening.add(connection)
                self.open.append(connection)
                self._register(connection)
            for connection in self._turn(0.5):
                if connection.opened_at:
                    opening.discard(connection)
            if time.monotonic() - started > _OPENING_S:
                raise VoidRunError(f"{len(opening) + len(waiting)} sockets were not opened in time")
        return time.monotonic() - started

    def poll(self, timeout_s: float) -> None:
        """Handle what has arrived, waiting at most so long for the first of it."""
        self._turn(timeout_s)

    def drop(self) -> None:
        """Close every connection, without a word."""
        for connection in self.open:
            connection.socket.close()
        self.open.clear()
        self._by_fd.clear()

    def _turn(self, timeout_s: float) -> list[Connection]:
        handled = []
        while self._again and self._again[0][0] <= time.monotonic():
            _, _, returning = heapq.heappop(self._again)
            returning.begin_again()
            self._register(returning)
        if self._again:
            timeout_s = min(timeout_s, max(0.001, self._again[0][0] - time.monotonic()))
        for fd, events in self._epoll.poll(timeout_s, 512):
            connection = self._by_fd.get(fd)
            if connection is None:
                self._others[fd]()
                continue
            self._handle(connection, begins=events & select.EPOLLOUT != 0)
            handled.append(connection)
        return handled

    def _register(self, connection: Connection) -> None:
        self._by_fd[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket, select.EPOLLOUT)

    def _handle(self, connection: Connection, *, begins: bool) -> None:
        try:
            if begins:
                self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)
                connection.begin()
                return
            gained = connection.receive(self._buffer)
        except ClosedError as error:
            if not connection.target.opening.resumes or error.code not in _COME_BACK:
                raise
            # As docs/protocol.md asks of clients: after a random pause.
            self.repeats += 1
            del self._by_fd[connection.socket.fileno()]
            connection.socket.close()
            moment = time.monotonic() + random.uniform(*_PAUSE_S)
            heapq.heappush(self._again, (moment, self.repeats, connection))
            return
        if gained and connection.reader is not None:
            self.held += gained
            if connection.reader.held == self.goal:
                self.reached.append(time.monotonic())
