"""A process full of receivers: it opens connections, reads and checks, and reports."""

from collections.abc import Sequence
from ctypes import Array, c_uint64
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench.checking import Reader, RoomsReader, Stream
from bench.connections import Connection, Connections, Target
from bench.dialects import Dialect

__all__ = ["Crowd", "Drop", "Open", "Opened", "Report", "StreamReport"]


@dataclass(frozen=True)
class Open:
    """Open connections, so many handshakes at a time. `goal`: note who holds so many messages."""

    targets: Sequence[Target]
    at_once: int
    goal: int = 0


@dataclass(frozen=True)
class Opened:
    """How long all of them took, and the moments at which each was open."""

    took_s: float
    moments: list[float]
    repeats: int
    """How often the server asked somebody to come back later."""


@dataclass(frozen=True)
class Report:
    """Say what was received."""


@dataclass(frozen=True)
class Drop:
    """Close all connections and forget what they received."""


@dataclass(frozen=True)
class StreamReport:
    """One conversation as the readers of one process received it, every one the same."""

    marks: list[tuple[int, int]]
    completed: list[float]
    digest: str


class Crowd:
    """The worker. `counters[index]` tells everybody how many messages its readers hold."""

    def __init__(self, dialect: Dialect, counters: "Array[c_uint64]", index: int) -> None:
        self._connections = Connections(dialect)
        self._counters: Any = counters
        self._index = index
        self._streams: dict[str, Stream] = {}
        self._piped = False

    def work(self, pipe: Pipe) -> None:
        """Read and check."""
        if not self._piped:
            self._piped = True
            self._connections.watch(pipe.fileno(), lambda: None)
        while not pipe.poll(0):
            self._connections.poll(1.0)
            self._counters[self._index] = self._connections.held

    def obey(self, command: Any) -> Any:
        """Open, report or drop."""
        match command:
            case Open():
                self._connections.goal = command.goal
                self._connections.reached = []
                took_s = self._connections.connect(command.targets, command.at_once, self._prepare)
                moments = [each.opened_at for each in self._connections.open]
                return Opened(took_s, moments, self._connections.repeats)
            case Report():
                streams = {
                    room: StreamReport(stream.marks, stream.completed, stream.digest())
                    for room, stream in self._streams.items()
                }
                return streams, self._connections.reached
            case Drop():
                self._connections.drop()
                self._streams.clear()
                self._connections.held = 0
                self._counters[self._index] = 0
                return None
            case _:
                raise TypeError(type(command))

    def _prepare(self, connection: Connection) -> None:
        rooms = connection.target.rooms
        dialect = self._connections.dialect
        streams = {room.encode(): self._stream(room, dialect) for room in rooms}
        if len(rooms) == 1:
            (stream,) = streams.values()
            connection.reader = Reader(stream, dialect.cut, connection.answer)
        elif rooms:
            connection.reader = RoomsReader(streams, dialect.cut, connection.answer)

    def _stream(self, room: str, dialect: Dialect) -> Stream:
        stream = self._streams.get(room)
        if stream is None:
            stream = self._streams[room] = Stream(has_seqs=dialect.has_seqs)
        return stream
