"""W1: private sends. Counted are durable acknowledgements."""

import itertools
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pymongo

from bench.caller import Answers, Caller, Connect, InFlight, Steady
from bench.checking import VoidRunError, require_contiguous
from bench.doors import Door, PrivateHttp, PrivateSocket
from bench.measures import latency_of, usage_of
from bench.people import make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.texts import Texts
from bench.workers import Worker
from chatterroom.core.ids import message_id, private_conversation_id

__all__ = ["run", "run_on"]

_NAIVE_LEVELS = (1, 64)
_ALTERNATIONS = 16
_WARM_UP_RATE = 200.0
_ACKNOWLEDGED = "acks/s"


def run(scale: Scale) -> Iterator[Row]:
    """Measure both doors, then the socket beside bare inserts into the same database."""
    with Platform() as platform:
        yield from _measure(platform, scale, "ChatterRoom", scale.levels, with_steady=True)
        yield from _beside_bare_inserts(platform, scale)


def run_on(platform: Platform, scale: Scale, subject: str) -> Iterator[Row]:
    """Measure another platform, under another name, at few levels."""
    yield from _measure(platform, scale, subject, _NAIVE_LEVELS, with_steady=False)


def _measure(
    platform: Platform, scale: Scale, subject: str, levels: tuple[int, ...], *, with_steady: bool
) -> Iterator[Row]:
    people = make_people(platform, 4 * max(levels))
    half = len(people) // 2
    doors: dict[str, Door] = {
        "HTTP": PrivateHttp(platform.gateway, people[:half]),
        "socket": PrivateSocket(platform.chat_socket, people[half:]),
    }
    for name, door in doors.items():
        calls = _Calls(platform, door, max(levels))
        try:
            calls.warm_up()
            rates = []
            for level in levels:
                row = Row(workload="W1", subject=subject, case=f"{name}, {level} in flight")
                row = calls.measure(row, InFlight(level, scale.closed_s))
                rates.append(row.rate or 0.0)
                yield row
            if with_steady:
                rate = max(rates) / 2
                row = Row(workload="W1", subject=subject, case=f"{name}, open loop at 50 %")
                yield calls.measure(row, Steady(rate, scale.open_s))
            calls.check()
        finally:
            calls.stop()


class _Calls:
    """One calling process at one door, and everything it was answered."""

    def __init__(self, platform: Platform, door: Door, connections: int) -> None:
        self._platform = platform
        self._seqs: list[list[int]] = [[] for _ in range(connections)]
        self._worker = Worker(Caller)
        self._worker.ask(Connect(door, connections))
        self._stored_before = _count_private(platform)

    def warm_up(self) -> None:
        """The first message of a private chat is stored apart; keep it out of the figures."""
        self._keep(self._worker.ask(Steady(_WARM_UP_RATE, len(self._seqs) / _WARM_UP_RATE)))

    def measure(self, row: Row, command: InFlight | Steady) -> Row:
        """Run one measurement."""
        before = self._platform.usage(), usage_of([self._worker.process])
        answers: Answers = self._worker.ask(command)
        after = self._platform.usage(), usage_of([self._worker.process])
        self._keep(answers)
        row.unit = _ACKNOWLEDGED
        row.rate = answers.rate
        row.cpu_us = after[0].since(before[0]) / len(answers.latencies) * 1e6
        row.generator = after[1].busiest_since(before[1])
        return row.with_latency(latency_of(answers.latencies))

    def check(self) -> None:
        """Every acknowledgement is a place of its own, and on disk there are as many."""
        for line, seqs in enumerate(self._seqs):
            require_contiguous(seqs, f"private chat {line}")
        acknowledged = sum(map(len, self._seqs))
        stored = _count_private(self._platform) - self._stored_before
        if stored != acknowledged:
            raise VoidRunError(f"{acknowledged} messages were acknowledged, {stored} are stored")

    def stop(self) -> None:
        """End the process."""
        self._worker.stop()

    def _keep(self, answers: Answers) -> None:
        for line, seqs in enumerate(answers.seqs):
            self._seqs[line] += seqs


def _beside_bare_inserts(platform: Platform, scale: Scale) -> Iterator[Row]:
    """Alternate in short spans, so that both meet the same machine; the ratio is the median one."""
    people = make_people(platform, 2)
    door = PrivateSocket(platform.chat_socket, people)
    pair = private_conversation_id(people[0].user_id, people[1].user_id)
    worker = Worker(Caller)
    sends: list[float] = []
    inserts: list[float] = []
    ratios: list[float] = []
    span_s = scale.closed_s * 2 / _ALTERNATIONS
    try:
        worker.ask(Connect(door, 1))
        worker.ask(InFlight(1, 0.2))
        with pymongo.MongoClient[dict[str, object]](platform.mongo_url) as client:
            bare = client["bench"].get_collection(
                "bare", write_concern=pymongo.WriteConcern("majority", j=True)
            )
            numbers = itertools.count(1)
            texts = Texts(3)
            for _ in range(_ALTERNATIONS):
                answers: Answers = worker.ask(InFlight(1, span_s))
                sends += answers.latencies
                beside: list[float] = []
                end = time.monotonic() + span_s
                while (begun := time.monotonic()) < end:
                    number = next(numbers)
                    now = datetime.now(UTC)
                    bare.insert_one(
                        {
                            "_id": message_id(pair, number),
                            "type": "message",
                            "conversation_id": pair,
                            "seq": number,
                            "message_index": number,
                            "sender_id": people[0].user_id,
                            "client_id": str(number),
                            "created_at": now,
                            "message": texts.text(0, number),
                            "updated_at": now,
                            "receiver_id": people[1].user_id,
                        }
                    )
                    beside.append(time.monotonic() - begun)
                inserts += beside
                ratios.append(latency_of(answers.latencies).p50_ms / latency_of(beside).p50_ms)
    finally:
        worker.stop()
    bare_row = Row(workload="W1", subject="insert_one", case="bare, journaled, alone")
    bare_row = bare_row.with_latency(latency_of(inserts))
    yield bare_row
    row = Row(workload="W1", subject="ChatterRoom", case="socket, alone, beside bare inserts")
    row = row.with_latency(latency_of(sends))
    row.details = {"p50_over_bare_insert": statistics.median(ratios)}
    yield row


def _count_private(platform: Platform) -> int:
    with pymongo.MongoClient[dict[str, object]](platform.mongo_url) as client:
        return client["chatterroom_chat"]["private_messages"].count_documents({})
