"""A process that sends into rooms: as fast as the receivers follow, or at a steady rate."""

import random
import time
from array import array
from collections import defaultdict
from collections.abc import Sequence
from ctypes import Array, c_uint64
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench.checking import VoidRunError
from bench.connections import Connection, Connections
from bench.crowd import Open, Opened
from bench.dialects import Dialect
from bench.texts import Texts

__all__ = ["Flood", "Pace", "Sender", "Sent"]

_CHOICES = 65_536
_DRAIN_S = 30.0
_SHARE_OF_WINDOW = 4


@dataclass(frozen=True)
class Flood:
    """Send for a while, never more than `window` messages ahead of what all receivers hold."""

    duration_s: float
    window: int
    fan: int
    """How many receivers each message has."""
    weights: Sequence[float] = ()
    """How often each sender speaks; none means equally often."""


@dataclass(frozen=True)
class Pace:
    """Send at a steady rate, whatever happens."""

    duration_s: float
    rate: float
    weights: Sequence[float] = ()


@dataclass(frozen=True)
class Sent:
    """What was sent: by whom, which of theirs, and when it was due."""

    senders: "array[int]"
    numbers: "array[int]"
    due: "array[float]"


class Sender:
    """The worker. Each of its connections is one sender in the first of its rooms."""

    def __init__(
        self, dialect: Dialect, counters: "Array[c_uint64]", first_sender: int, seed: int
    ) -> None:
        self._connections = Connections(dialect)
        self._dialect = dialect
        self._counters: Any = counters
        self._first_sender = first_sender
        self._texts = Texts(seed)
        self._numbers: defaultdict[int, int] = defaultdict(int)
        self._seed = seed
        self._unacknowledged = 0
        self._sent = Sent(array("I"), array("I"), array("d"))

    def work(self, pipe: Pipe) -> None:
        """Keep the connections alive."""
        while not pipe.poll(0.2):
            self._connections.poll(0)

    def obey(self, command: Any) -> Any:
        """Open connections, flood or pace."""
        self._sent = Sent(array("I"), array("I"), array("d"))
        match command:
            case Open():
                took_s = self._connections.connect(command.targets, command.at_once, self._prepare)
                return Opened(took_s, [], 0)
            case Flood():
                self._flood(command)
            case Pace():
                self._pace(command)
            case _:
                raise TypeError(type(command))
        self._drain()
        return self._sent

    def _prepare(self, connection: Connection) -> None:
        connection.heard = self._heard

    def _heard(self, frame: bytes) -> None:
        if self._dialect.has_acks and b'"type":"ack"' in frame[:24]:
            if b'"duplicate":true' in frame:
                raise VoidRunError(f"a new message passed for a repeat: {frame!r}")
            self._unacknowledged -= 1

    def _flood(self, flood: Flood) -> None:
        turns = self._turns(flood.weights)
        started = time.monotonic()
        held_before = sum(self._counters)
        batch = max(1, flood.window // _SHARE_OF_WINDOW)
        while (now := time.monotonic()) < started + flood.duration_s:
            held = (sum(self._counters) - held_before) / flood.fan
            room = flood.window - (len(self._sent.due) - held)
            if self._dialect.has_acks:
                room = min(room, flood.window - self._unacknowledged)
            # Not one by one: every gap that opens would become a write of its own.
            if room >= batch:
                self._send([next(turns) for _ in range(int(room))], [now] * int(room))
                self._connections.poll(0)
            else:
                self._connections.poll(0.001)

    def _pace(self, pace: Pace) -> None:
        turns = self._turns(pace.weights)
        started = time.monotonic()
        total = int(pace.duration_s * pace.rate)
        done = 0
        while done < total:
            now = time.monotonic()
            due = min(total, int((now - started) * pace.rate) + 1)
            if due > done:
                moments = [started + number / pace.rate for number in range(done, due)]
                self._send([next(turns) for _ in moments], moments)
                done = due
            self._connections.poll(0)
            # epoll rounds up to milliseconds, which would be late.
            time.sleep(max(0.0, started + done / pace.rate - time.monotonic()))

    def _turns(self, weights: Sequence[float]) -> "cycle[int]":
        senders = range(len(self._connections.open))
        chance = random.Random(self._seed)
        return cycle(chance.choices(senders, weights=weights or None, k=_CHOICES))

    def _send(self, senders: list[int], due: list[float]) -> None:
        waiting: defaultdict[int, list[bytes]] = defaultdict(list)
        for index, moment in zip(senders, due, strict=True):
            connection = self._connections.open[index]
            sender = self._first_sender + index
            number = self._numbers[sender]
            self._numbers[sender] += 1
            text = self._texts.text(sender, number)
            command = self._dialect.command(connection.target.rooms[0], sender, number, text)
            waiting[index].append(command)
            self._sent.senders.append(sender)
            self._sent.numbers.append(number)
            self._sent.due.append(moment)
        self._unacknowledged += len(senders)
        for index, commands in waiting.items():
            self._connections.open[index].send(b"".join(commands))

    def _drain(self) -> None:
        deadline = time.monotonic() + _DRAIN_S
        while self._dialect.has_acks and self._unacknowledged:
            self._connections.poll(0.01)
            if time.monotonic() > deadline:
                raise VoidRunError(f"{self._unacknowledged} messages were never acknowledged")
