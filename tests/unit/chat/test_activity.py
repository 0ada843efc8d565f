"""What is gathered of conversations' activity, and how much of it is written at a time."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
import pytest

from chatterroom.chat import activity
from chatterroom.chat.activity import SLICE, WRITES_PER_S, Activity
from chatterroom.chat.entries import MessagePosted
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId, new_id, private_conversation_id

from .conftest import ALICE, BOB, message_posted


class Memberships:
    """Rooms of given sizes, and when each member's was last active."""

    def __init__(self, sizes: Mapping[ConversationId, int]) -> None:
        self.members = {room: [UserId(f"{n:026}") for n in range(sizes[room])] for room in sizes}
        self.active: dict[ConversationId, dict[UserId, datetime]] = {room: {} for room in sizes}
        self.away = False
        self.written = 0

    def count(self, conversation_id: ConversationId) -> int:
        return len(self.members[conversation_id])

    async def raise_all(self, moments: Mapping[ConversationId, datetime]) -> None:
        if self.away:
            raise StorageUnavailableError
        for room, at in moments.items():
            self._raise(room, self.members[room], at)

    async def raise_slice(
        self, conversation_id: ConversationId, at: datetime, after: UserId | None, limit: int
    ) -> UserId | None:
        if self.away:
            raise StorageUnavailableError
        users = [user for user in self.members[conversation_id] if user > (after or "")][:limit]
        self._raise(conversation_id, users, at)
        return users[-1] if len(users) == limit else None

    async def migrate_some(self) -> bool:
        return False

    def _raise(self, room: ConversationId, users: list[UserId], at: datetime) -> None:
        self.written += len(users)
        for user in users:
            before = self.active[room].get(user, at)
            self.active[room][user] = max(before, at)


def posted(room: ConversationId, seq: int = 1) -> MessagePosted:
    message = message_posted(room, seq)
    later = message.created_at + timedelta(seconds=seq)
    return msgspec.structs.replace(message, created_at=later)


async def test_no_flush_writes_more_than_its_budget_and_large_rooms_get_on_all_the_same():
    large = ConversationId(new_id())
    small = [ConversationId(new_id()) for _ in range(500)]
    memberships = Memberships({large: 10_000, **dict.fromkeys(small, 3)})
    gathered = Activity(memberships, memberships.count)
    for room in (large, *small):
        gathered.note(room, [posted(room)])
    flushes = 0
    while gathered._any.is_set():
        before = memberships.written
        await gathered._flush(400)
        assert memberships.written - before < 400 + SLICE
        assert memberships.active[large]
        flushes += 1
    assert all(len(memberships.active[room]) == memberships.count(room) for room in small)
    assert len(memberships.active[large]) == 10_000
    assert flushes < 100


async def test_messages_of_one_room_are_written_once_and_the_newest_counts():
    room = ConversationId(new_id())
    memberships = Memberships({room: 4})
    gathered = Activity(memberships, memberships.count)
    for seq in range(1, 1_001):
        gathered.note(room, [newest := posted(room, seq)])
    await gathered._flush(WRITES_PER_S)
    assert memberships.written == 4
    assert set(memberships.active[room].values()) == {newest.created_at}
    assert not gathered._any.is_set()


async def test_what_comes_while_a_large_room_is_written_is_written_too(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(activity, "REST_S", 0.0)
    room = ConversationId(new_id())
    memberships = Memberships({room: 3 * SLICE})
    gathered = Activity(memberships, memberships.count)
    gathered.note(room, [posted(room, 1)])
    await gathered._flush(SLICE)
    gathered.note(room, [newest := posted(room, 60)])
    while gathered._any.is_set():
        await gathered._flush(SLICE)
    assert set(memberships.active[room].values()) == {newest.created_at}


async def test_a_conversation_that_goes_on_is_left_alone_for_a_while_and_not_forgotten():
    busy, quiet = private_conversation_id(ALICE, BOB), ConversationId(new_id())
    memberships = Memberships({busy: 2, quiet: 2})
    gathered = Activity(memberships, memberships.count)

    def say(seq: int) -> MessagePosted:
        message = msgspec.structs.replace(posted(busy, seq), receiver_id=BOB)
        gathered.note(busy, [message])
        return message

    say(1)
    await gathered._flush(400)
    assert memberships.written == 2
    newest = [say(seq) for seq in range(2, 100)][-1]
    gathered.note(quiet, [posted(quiet)])
    await gathered._flush(400)
    assert memberships.written == 4
    assert memberships.active[quiet]
    assert gathered.waiting(ALICE) == {busy: newest.created_at}
    gathered._wake(math.inf)
    await gathered._flush(400)
    assert set(memberships.active[busy].values()) == {newest.created_at}
    assert not gathered.waiting(ALICE)


async def test_what_waits_is_known_to_those_it_concerns_until_it_is_written():
    chat, room = private_conversation_id(ALICE, BOB), ConversationId(new_id())
    memberships = Memberships({chat: 2, room: 2})
    gathered = Activity(memberships, memberships.count)
    message = msgspec.structs.replace(posted(chat), receiver_id=BOB)
    gathered.note(chat, [message])
    gathered.note(room, [posted(room)])
    stranger = UserId(new_id())
    assert set(gathered.waiting(ALICE)) == set(gathered.waiting(BOB)) == {chat, room}
    assert set(gathered.waiting(stranger)) == {room}
    memberships.away = True
    with pytest.raises(StorageUnavailableError):
        await gathered._flush(400)
    assert gathered.waiting(ALICE)[chat] == message.created_at
    memberships.away = False
    await gathered._flush(400)
    assert not gathered.waiting(ALICE)


async def test_a_stop_writes_what_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(activity, "FLUSH_S", 60)
    rooms = [ConversationId(new_id()) for _ in range(3)]
    memberships = Memberships(dict.fromkeys(rooms, 2_000))
    gathered = Activity(memberships, memberships.count)
    running = asyncio.create_task(gathered.run())
    await asyncio.sleep(0)
    for room in rooms:
        gathered.note(room, [posted(room)])
    await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert all(len(memberships.active[room]) == 2_000 for room in rooms)
