"""W7: first pages of lists, long ones and short ones, and what they cost those who chat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from pymongo.database import Database

from bench.caller import Answers, Caller, Connect, InFlight, Steady
from bench.doors import Door, ListPages, PrivateHttp
from bench.measures import latency_of
from bench.pairs import compare
from bench.people import Person, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.texts import Texts
from bench.workers import Worker
from chatterroom.chat.conversation import Conversation, CreateRoom, Member, apply, decide
from chatterroom.chat.documents_mongo import document_of, new_membership, room_document
from chatterroom.chat.entries import MessagePosted
from chatterroom.core.ids import ClientId, ConversationId, UserId, new_id

__all__ = ["run"]

SHORT = 100
_BATCH = 2_000
_SENDS_PER_S = 50
_SENDERS = 8
_SPANS = 4


def run(scale: Scale) -> Iterator[Row]:
    """Measure each kind of list, then honest sends while lists are asked for in a loop."""
    with Platform() as platform:
        lengths = (SHORT, scale.listed)
        people = make_people(platform, len(lengths) + 2 * _SENDERS)
        readers = people[: len(lengths)]
        with pymongo.MongoClient[dict[str, Any]](platform.mongo_url) as client:
            database = client["chatterroom_chat"]
            lists = [
                _fill(database, reader, length)
                for reader, length in zip(readers, lengths, strict=True)
            ]
        kinds: dict[str, list[Door]] = {}
        for reader, room in zip(readers, lists, strict=True):
            for kind, (path, marker) in _paths(room).items():
                door = ListPages(platform.gateway, reader, path, marker)
                kinds.setdefault(kind, []).append(door)
        for kind, doors in kinds.items():
            rows = [
                Row(workload="W7", subject="ChatterRoom", case=f"{kind} of {length:,}")
                for length in lengths
            ]
            yield from compare(platform, scale, doors, rows, str(SHORT))
        yield from _beside_sends(platform, scale, people[len(lengths) :], kinds, lengths)


def _paths(room: str) -> dict[str, tuple[str, bytes]]:
    conversation = f"/chat-service/conversations/{room}"
    return {
        "conversations": ("/chat-service/conversations", b'"kind":'),
        "members": (f"/chat-service/rooms/{room}/members", b'"joined_at":'),
        "marks": (f"{conversation}/marks", b'"read_index":'),
        "pins": (f"{conversation}/pins", b'"message_index":'),
    }


def _beside_sends(
    platform: Platform,
    scale: Scale,
    people: Sequence[Person],
    kinds: dict[str, list[Door]],
    lengths: Sequence[int],
) -> Iterator[Row]:
    """Send at a steady rate, by itself, and while all lists of a length are asked for at once."""
    senders, listers = Worker(Caller), [Worker(Caller) for _ in kinds]
    try:
        senders.ask(Connect(PrivateHttp(platform.gateway, people), _SENDERS))
        senders.ask(InFlight(_SENDERS, 0.5))
        duration_s = _SPANS * scale.open_s
        yield _sends(senders.ask(Steady(_SENDS_PER_S, duration_s)), "by themselves")
        beside_short: Row | None = None
        for place, length in enumerate(lengths):
            for worker, doors in zip(listers, kinds.values(), strict=True):
                worker.ask(Connect(doors[place], 1))
                worker.tell(InFlight(1, duration_s))
            row = _sends(senders.ask(Steady(_SENDS_PER_S, duration_s)), f"lists of {length:,}")
            pages = [worker.answer() for worker in listers]
            row.details["pages_per_s"] = sum(each.rate for each in pages)
            if beside_short is not None:
                row.details["sends_p99_over_100"] = (row.p99_ms or 0) / (beside_short.p99_ms or 1)
            beside_short = row
            yield row
    finally:
        for worker in (senders, *listers):
            worker.stop()


def _sends(answers: Answers, beside: str) -> Row:
    case = f"{_SENDS_PER_S} sends a second, {beside}"
    row = Row(workload="W7", subject="ChatterRoom", case=f"{case}, open loop")
    return row.with_latency(latency_of(answers.latencies))


@dataclass(slots=True)
class _Documents:
    entries: list[dict[str, Any]]
    rooms: list[dict[str, Any]]
    memberships: list[dict[str, Any]]


def _fill(database: Database[dict[str, Any]], reader: Person, length: int) -> str:
    """Write so many rooms of a user, one of which has so many members and pins; return its id."""
    texts = Texts(7)
    begin = datetime.now(UTC) - timedelta(days=30)
    documents = _Documents([], [], [])
    large = ""
    for number in range(length):
        at = begin + timedelta(minutes=number)
        members = [UserId(new_id()) for _ in range(length - 1)] if number == 0 else []
        messages = length if number == 0 else 1
        state = _add_room(documents, reader, members, at)
        documents.entries += (
            _message(state, reader, seq, at, texts.text(number, seq), pinned=number == 0)
            for seq in range(2, messages + 2)
        )
        large = large or state.id
    for name, written in (
        ("room_messages", documents.entries),
        ("rooms", documents.rooms),
        ("memberships", documents.memberships),
    ):
        collection = database.get_collection(name, write_concern=pymongo.WriteConcern(1))
        for start in range(0, len(written), _BATCH):
            collection.insert_many(written[start : start + _BATCH], ordered=False)
    return large


def _add_room(
    documents: _Documents, owner: Person, members: Sequence[UserId], at: datetime
) -> Conversation:
    empty = Conversation(ConversationId(new_id()))
    command = CreateRoom(empty.id, owner.user_id, ClientId("1"), "A room", ())
    created = decide(empty, command, at)
    state = apply(empty, created)
    state = replace(state, members={**state.members, **{user: Member(at) for user in members}})
    documents.entries.append(document_of(created))
    documents.rooms.append(room_document(state))
    documents.memberships += (
        new_membership(created, user, None, member.role) for user, member in state.members.items()
    )
    return state


def _message(
    state: Conversation, sender: Person, seq: int, at: datetime, text: str, *, pinned: bool
) -> dict[str, Any]:
    return document_of(
        MessagePosted(
            conversation_id=state.id,
            seq=seq,
            message_index=seq - 1,
            sender_id=sender.user_id,
            client_id=ClientId(str(seq)),
            created_at=at,
            message=text,
            updated_at=at,
            pinned=pinned,
        )
    )
