"""A process that calls and waits for answers: so many in flight, or at a steady rate."""

import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench.checking import VoidRunError
from bench.connections import Connection, Connections
from bench.doors import Door

__all__ = ["Answers", "Caller", "Connect", "InFlight", "Steady"]

_DRAIN_S = 20.0


@dataclass(frozen=True)
class Connect:
    """Open that many connections to a door."""

    door: Door
    connections: int


@dataclass(frozen=True)
class InFlight:
    """On the first so many connections: one call, and on its answer the next."""

    connections: int
    duration_s: float


@dataclass(frozen=True)
class Steady:
    """Call at a rate, in turn on all connections, whatever happens."""

    rate: float
    duration_s: float


@dataclass(frozen=True)
class Answers:
    """What came back: latencies, from when each call was due; the seqs, by connection."""

    latencies: "array[float]"
    seqs: list[list[int]]
    took_s: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.took_s


class Caller:
    """The worker. HTTP connections carry one call at a time; sockets any number."""

    def __init__(self) -> None:
        self._connections: Connections | None = None
        self._door: Door | None = None
        self._numbers: list[int] = []
        self._open_calls: list[deque[float]] = []
        self._answers = Answers(array("d"), [], 0.0)
        self._answered: list[int] = []
        self._calls = 0

    def work(self, pipe: Pipe) -> None:
        """Keep the connections alive."""
        while not pipe.poll(0.2):
            if self._connections is not None:
                self._connections.poll(0)

    def obey(self, command: Any) -> Any:
        """Connect, or call."""
        if isinstance(command, Connect):
            return self._connect(command)
        self._answers = Answers(array("d"), [[] for _ in self._numbers], 0.0)
        started = time.monotonic()
        if isinstance(command, InFlight):
            self._keep_in_flight(command, started)
        else:
            self._call_steadily(command, started)
        answers = self._answers
        return Answers(answers.latencies, answers.seqs, time.monotonic() - started)

    def _connect(self, command: Connect) -> None:
        if self._connections is not None:
            self._connections.drop()
        self._door = command.door
        self._numbers = [0] * command.connections
        self._open_calls = [deque() for _ in self._numbers]
        self._connections = Connections(command.door.dialect)
        lines = iter(range(command.connections))

        def prepare(connection: Connection) -> None:
            connection.heard = self._listener(next(lines))

        self._connections.connect(command.door.targets(command.connections), 32, prepare)

    def _listener(self, line: int) -> Callable[[bytes], None]:
        door, open_calls = self._door, self._open_calls[line]
        assert door is not None

        def heard(frame: bytes) -> None:
            seq = door.seq_of(frame)
            if seq is not None:
                # One connection's calls are answered in their order.
                self._answers.latencies.append(time.monotonic() - open_calls.popleft())
                self._answers.seqs[line].append(seq)
                self._answered.append(line)

        return heard

    def _call(self, line: int, due: float) -> None:
        assert self._connections is not None
        assert self._door is not None
        self._open_calls[line].append(due)
        request = self._door.request(line, self._numbers[line])
        self._numbers[line] += 1
        self._connections.open[line].send(request)

    def _keep_in_flight(self, command: InFlight, started: float) -> None:
        assert self._connections is not None
        end = started + command.duration_s
        self._answered = []
        for line in range(command.connections):
            self._call(line, time.monotonic())
        open_calls = command.connections
        while open_calls:
            self._connections.poll(1.0)
            answered, self._answered = self._answered, []
            for line in answered:
                now = time.monotonic()
                if now < end:
                    self._call(line, now)
                else:
                    open_calls -= 1
            _require_in_time(end)

    def _call_steadily(self, command: Steady, started: float) -> None:
        assert self._connections is not None
        total = int(command.rate * command.duration_s)
        one_at_a_time = self._connections.dialect.name == "HTTP"
        free = deque(range(len(self._numbers)))
        due: deque[float] = deque()
        self._answered = []
        done = answered = 0
        while answered < total:
            now = time.monotonic()
            while done < total and started + done / command.rate <= now:
                due.append(started + done / command.rate)
                done += 1
            while due and free:
                line = free.popleft()
                self._call(line, due.popleft())
                if not one_at_a_time:
                    free.append(line)
            pause_s = started + done / command.rate - time.monotonic() if done < total else 0.001
            # epoll rounds up to milliseconds, which would be late.
            if 0 < pause_s < 0.001:
                time.sleep(pause_s)
                pause_s = 0.0
            self._connections.poll(max(0.0, pause_s - 0.001))
            answered += len(self._answered)
            if one_at_a_time:
                free.extend(self._answered)
            self._answered = []
            _require_in_time(started + command.duration_s)


def _require_in_time(end: float) -> None:
    if time.monotonic() > end + _DRAIN_S:
        raise VoidRunError("calls were never answered")
