"""Fan-out under load: some processes receive, one sends, and everything is accounted for."""

import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from bench.checking import VoidRunError
from bench.connections import Target
from bench.crowd import Crowd, Drop, Open, Opened, Report, StreamReport
from bench.dialects import Dialect
from bench.measures import Latency, Usage, latency_of, usage_of
from bench.results import Row
from bench.sender import Flood, Pace, Sender, Sent
from bench.workers import Worker

__all__ = ["CROWDS", "Load", "Phase"]

# Two: on the machines this is for, more would only take turns.
CROWDS = 2
_AT_ONCE = 64
_DRAIN_S = 30.0


@dataclass(frozen=True)
class Phase:
    """What happened while one command of the sender was carried out."""

    messages: int
    deliveries: int
    took_s: float
    """From the first message's due time until the last receiver held the last."""
    latency: Latency
    """From when each message was due until its last receiver held it."""
    cpu_s: float
    generator: float

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.took_s

    def row(self, row: Row) -> Row:
        """Fill in a row."""
        row.unit = "deliveries/s"
        row.rate = self.rate
        row.cpu_us = self.cpu_s / self.deliveries * 1e6
        row.generator = self.generator
        row.details |= {"messages": self.messages, "messages_per_s": self.messages / self.took_s}
        return row.with_latency(self.latency)


class Load:
    """The load generator for one server: receivers, and a sender that is none of them.

    `fan` is how many receivers each message has; `usage` reads what the server has used.
    """

    def __init__(self, dialect: Dialect, usage: Callable[[], Usage], fan: int) -> None:
        self._counters: Any = multiprocessing.RawArray("Q", CROWDS)
        self._usage = usage
        self._fan = fan
        self._expected = 0
        self._seen: defaultdict[str, int] = defaultdict(int)
        self._crowds = [Worker(Crowd, dialect, self._counters, n) for n in range(CROWDS)]
        self._sender = Worker(Sender, dialect, self._counters, 0, 4)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in (*self._crowds, self._sender):
            worker.stop()

    def connect(self, receivers: Sequence[Target], senders: Sequence[Target]) -> float:
        """Open all connections; return how many receivers a second the server accepted."""
        started = time.monotonic()
        self.open_receivers(receivers, _AT_ONCE // CROWDS)
        took_s = time.monotonic() - started
        self._sender.ask(Open(senders, _AT_ONCE))
        return len(receivers) / took_s

    def open_receivers(
        self, receivers: Sequence[Target], at_once: int, goal: int = 0
    ) -> list[Opened]:
        """Open the receivers' connections, so many handshakes at a time in each process."""
        for number, crowd in enumerate(self._crowds):
            crowd.tell(Open(receivers[number::CROWDS], at_once, goal))
        return [crowd.answer() for crowd in self._crowds]

    def drop_receivers(self) -> None:
        """Close all receivers' connections at once."""
        for crowd in self._crowds:
            crowd.tell(Drop())
        for crowd in self._crowds:
            crowd.answer()
        self._expected = 0
        self._seen.clear()

    def run(self, command: Flood | Pace) -> Phase:
        """Send, wait until everybody holds everything, and check. Raises `VoidRunError`."""
        workers = [worker.process for worker in (*self._crowds, self._sender)]
        before = self._usage(), usage_of(workers)
        sent: Sent = self._sender.ask(command)
        self._expected += len(sent.due) * self._fan
        self.wait_until_held(self._expected)
        after = self._usage(), usage_of(workers)
        if after[0].cpu_s.keys() != before[0].cpu_s.keys():
            raise VoidRunError("a process of the server was started or ended during the run")
        due = dict(zip(zip(sent.senders, sent.numbers, strict=True), sent.due, strict=True))
        latencies: list[float] = []
        last = 0.0
        for marks, completed in self._received().values():
            for mark, moment in zip(marks, completed, strict=True):
                if mark not in due:
                    raise VoidRunError(f"{mark} was received, but not sent")
                latencies.append(moment - due.pop(mark))
                last = max(last, moment)
        if due:
            raise VoidRunError(f"{len(due)} messages were never received")
        return Phase(
            messages=len(sent.due),
            deliveries=len(sent.due) * self._fan,
            took_s=last - sent.due[0],
            latency=latency_of(latencies),
            cpu_s=after[0].since(before[0]),
            generator=after[1].busiest_since(before[1]),
        )

    def wait_until_held(self, expected: int) -> None:
        """Wait until the receivers together hold so many messages; more, or fewer, is void."""
        deadline = time.monotonic() + _DRAIN_S
        while (held := sum(self._counters)) < expected:
            for worker in self._crowds:
                worker.raise_if_failed()
            if time.monotonic() > deadline:
                raise VoidRunError(f"{expected - held} of {expected} deliveries are missing")
            time.sleep(0.005)
        # What comes now would be one too many.
        time.sleep(0.1)
        if sum(self._counters) != expected:
            raise VoidRunError(f"{sum(self._counters)} deliveries instead of {expected}")

    def reports(self) -> list[tuple[dict[str, StreamReport], list[float]]]:
        """Ask every receiving process; all must have received the same."""
        reports = [crowd.ask(Report()) for crowd in self._crowds]
        digests: dict[str, str] = {}
        for streams, _ in reports:
            for room, stream in streams.items():
                if digests.setdefault(room, stream.digest) != stream.digest:
                    raise VoidRunError("two receivers of a room received different messages")
        return reports

    def _received(self) -> dict[str, tuple[list[tuple[int, int]], list[float]]]:
        """Return, by room, the marks received since last time and when the last reader had each."""
        found: dict[str, tuple[list[tuple[int, int]], list[float]]] = {}
        for streams, _ in self.reports():
            for room, stream in streams.items():
                marks, completed = stream.marks[self._seen[room] :], stream.completed
                moments = completed[self._seen[room] :]
                if room in found:
                    moments = list(map(max, found[room][1], moments))
                found[room] = (marks, moments)
        for room, (marks, _) in found.items():
            self._seen[room] += len(marks)
        return found
