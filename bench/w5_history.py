"""W5: pages of history, the newest and anywhere, in a long room and in a short one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pymongo

from bench.caller import Answers, Caller, Connect, InFlight, Steady
from bench.doors import HistoryPages
from bench.measures import latency_of, usage_of
from bench.people import Person, create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.texts import Texts
from bench.workers import Worker
from chatterroom.core.ids import ConversationId, message_id

__all__ = ["run"]

SHORT = 10_000
_IN_FLIGHT = 16
_CONNECTIONS = 64
_OPEN_SPANS = 4
_BATCH = 5_000


def run(scale: Scale) -> Iterator[Row]:
    """Measure the rates in turn, the latencies at the same time."""
    with Platform() as platform:
        people = make_people(platform, 10)
        lengths = (SHORT, scale.history)
        rooms = create_rooms(platform, [people, people])
        for room, length in zip(rooms, lengths, strict=True):
            _fill(platform, room, people, length)
        for newest in (True, False):
            doors = [
                HistoryPages(platform.gateway, people[0], room, length + 1, newest=newest)
                for room, length in zip(rooms, lengths, strict=True)
            ]
            yield from _measure(platform, scale, doors, lengths, newest=newest)


def _measure(
    platform: Platform,
    scale: Scale,
    doors: Sequence[HistoryPages],
    lengths: Sequence[int],
    *,
    newest: bool,
) -> Iterator[Row]:
    workers = [Worker(Caller) for _ in doors]
    try:
        for worker, door in zip(workers, doors, strict=True):
            worker.ask(Connect(door, _CONNECTIONS))
            worker.ask(InFlight(_IN_FLIGHT, 0.5))
        rows = []
        for worker, length in zip(workers, lengths, strict=True):
            depth = "newest page" if newest else "random depth"
            row = Row(workload="W5", subject="ChatterRoom", case=f"{length:,} messages, {depth}")
            before = platform.usage(), usage_of([worker.process])
            answers: Answers = worker.ask(InFlight(_IN_FLIGHT, scale.closed_s / 2))
            after = platform.usage(), usage_of([worker.process])
            row.unit = "pages/s"
            row.rate = answers.rate
            row.cpu_us = after[0].since(before[0]) / len(answers.latencies) * 1e6
            row.generator = after[1].busiest_since(before[1])
            rows.append(row)
        # Both at once: what disturbs a machine for a moment decides a p99, and would be taken
        # for a difference between the rooms if it met one of them alone.
        rate = min(row.rate or 0 for row in rows) / 2 / len(workers)
        for worker in workers:
            worker.tell(Steady(rate, _OPEN_SPANS * scale.open_s))
        short, long = (latency_of(worker.answer().latencies) for worker in workers)
        rows = [row.with_latency(each) for row, each in zip(rows, (short, long), strict=True)]
        rows[1].details["p99_over_short"] = long.p99_ms / short.p99_ms
        rows[1].details["p50_over_short"] = long.p50_ms / short.p50_ms
        yield from rows
    finally:
        for worker in workers:
            worker.stop()


def _fill(platform: Platform, room: str, people: Sequence[Person], length: int) -> None:
    """Write messages behind the room's creation, in the store's own form."""
    texts = Texts(5)
    begin = datetime.now(UTC) - timedelta(days=365)
    conversation_id = ConversationId(room)
    with pymongo.MongoClient[dict[str, object]](platform.mongo_url) as client:
        messages = client["chatterroom_chat"].get_collection(
            "room_messages", write_concern=pymongo.WriteConcern(1)
        )
        for start in range(0, length, _BATCH):
            messages.insert_many(
                [
                    {
                        "_id": message_id(conversation_id, number + 2),
                        "type": "message",
                        "conversation_id": room,
                        "seq": number + 2,
                        "message_index": number + 1,
                        "sender_id": people[number % len(people)].user_id,
                        "client_id": str(number),
                        "created_at": begin + timedelta(seconds=number),
                        "message": texts.text(number % len(people), number),
                        "updated_at": begin + timedelta(seconds=number),
                    }
                    for number in range(start, min(start + _BATCH, length))
                ],
                ordered=False,
            )
