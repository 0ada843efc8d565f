"""W5: pages of history, the newest and anywhere, in a long room and in a short one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pymongo

from bench.doors import HistoryPages
from bench.pairs import compare
from bench.people import Person, create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.texts import Texts
from chatterroom.core.ids import ConversationId, message_id

__all__ = ["run"]

SHORT = 10_000
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
            depth = "newest page" if newest else "random depth"
            rows = [
                Row(workload="W5", subject="ChatterRoom", case=f"{length:,} messages, {depth}")
                for length in lengths
            ]
            yield from compare(platform, scale, doors, rows, "short")


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
