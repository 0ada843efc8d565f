"""Marks are gathered, stored, and told seldom: a store and a clock in the tests' hands."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from chatterroom.chat import marks as module
from chatterroom.chat.marks import MAX_TOLD, Marks
from chatterroom.chat.unread import Raised
from chatterroom.core.ids import ConversationId, UserId, new_id

ROOM = ConversationId(new_id())
ALICE = UserId(new_id())


class Store:
    def __init__(self) -> None:
        self.stored: dict[tuple[UserId, ConversationId], Raised] = {}
        self.fails_for: UserId | None = None

    async def raise_marks(self, marks) -> None:
        if any(user_id == self.fails_for for user_id, _ in marks):
            raise RuntimeError("a bug")
        self.stored |= marks


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def told() -> list[dict]:
    return []


@pytest.fixture
def marks(store: Store, told: list[dict]) -> Marks:
    return Marks(store, lambda _, event, __: told.append(json.loads(event)))


@pytest.fixture
def flush(marks: Marks) -> Callable[[], Awaitable[None]]:
    return marks._flush


async def test_one_user_in_one_conversation_is_told_seldom_and_then_with_the_newest(
    marks: Marks, store: Store, told: list[dict], flush, monkeypatch: pytest.MonkeyPatch
):
    for read in range(1, 31):
        marks.raise_to(ALICE, ROOM, read=read)
        await flush()
    assert store.stored == {(ALICE, ROOM): Raised(30, 30)}
    assert 4 <= len(told) <= 5
    loop = asyncio.get_running_loop()
    later = loop.time() + 10
    with monkeypatch.context() as passing:
        passing.setattr(loop, "time", lambda: later, raising=False)
        await flush()
    assert told[-1]["marks"] == [{"user_id": ALICE, "read_index": 30, "delivered_index": 30}]
    known = len(told)
    await flush()
    assert len(told) == known


async def test_an_event_tells_of_so_many_users_at_most(marks: Marks, told: list[dict], flush):
    for _ in range(2 * MAX_TOLD + 1):
        marks.raise_to(UserId(new_id()), ROOM, delivered=1)
    await flush()
    assert [len(event["marks"]) for event in told] == [MAX_TOLD, MAX_TOLD, 1]


async def test_marks_that_fail_are_lost_alone(
    marks: Marks, store: Store, flush, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_WRITTEN_AT_ONCE", 1)
    store.fails_for = ALICE
    others = [UserId(new_id()) for _ in range(3)]
    for user_id in (others[0], ALICE, *others[1:]):
        marks.raise_to(user_id, ROOM, read=1)
    await flush()
    assert {user_id for user_id, _ in store.stored} == set(others)
    await flush()
    assert marks.pending(ALICE, ROOM) == Raised()
