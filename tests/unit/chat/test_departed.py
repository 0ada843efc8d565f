import asyncio
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from tests.unit.chat.conftest import ALICE, BOB

from chatterroom.chat.departed import Departed, Departure
from chatterroom.chat.presence import Presence
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError
from chatterroom.core.ids import UserId


class Rows:
    """What is stored, as a list; sometimes away."""

    def __init__(self) -> None:
        self.rows: list[Departure] = []
        self.away = False
        self.asked = 0

    async def add(self, user_id: UserId) -> None:
        if self.away:
            raise StorageUnavailableError("away")
        self.rows.append(Departure(user_id, datetime.now(UTC)))

    async def stored(self, since: datetime | None) -> list[Departure]:
        self.asked += 1
        if self.away:
            raise StorageUnavailableError("away")
        return [row for row in self.rows if since is None or row.stored_at >= since]


def is_gone(departed: Departed, user_id: UserId) -> bool:
    try:
        departed.require_present(user_id)
    except ChatterRoomError as error:
        return error.code is ErrorCode.USER_NOT_FOUND
    return False


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def following():
    """Let an instance follow rows."""
    tasks = []

    async def follow(rows) -> Departed:
        departed = Departed(rows)
        tasks.append(asyncio.create_task(departed.run()))
        await until(lambda: departed.loaded)
        return departed

    yield follow
    for task in tasks:
        task.cancel()


async def test_whoever_departs_is_gone_at_once_here_and_soon_elsewhere(following):
    rows = Rows()
    here, there = await following(rows), await following(rows)
    await here.add(ALICE)
    assert is_gone(here, ALICE)
    await until(lambda: is_gone(there, ALICE))
    assert not is_gone(here, BOB)
    assert not is_gone(there, BOB)


async def test_an_instance_that_begins_knows_who_departed_before(following):
    rows = Rows()
    await rows.add(ALICE)
    assert is_gone(await following(rows), ALICE)


async def test_nobody_is_taken_for_present_before_the_departures_have_been_read():
    with pytest.raises(StorageUnavailableError):
        Departed(Rows()).require_present(ALICE)


async def test_what_is_not_stored_is_not_so(following):
    rows = Rows()
    departed = await following(rows)
    rows.away = True
    with pytest.raises(StorageUnavailableError):
        await departed.add(ALICE)
    assert not is_gone(departed, ALICE)


async def test_storage_that_was_away_is_asked_again(following):
    rows = Rows()
    departed = await following(rows)
    rows.asked, rows.away = 0, True
    rows.rows.append(Departure(ALICE, datetime.now(UTC)))
    await until(lambda: rows.asked)
    assert not is_gone(departed, ALICE)
    rows.away = False
    await until(lambda: is_gone(departed, ALICE))


async def test_mongodb_keeps_departures_and_gives_those_since_a_moment(mongo_url):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        await store.departed.add(ALICE)
        await store.departed.add(ALICE)
        (alice,) = await store.departed.stored(None)
        assert alice.user_id == ALICE
        await store.departed.add(BOB)
        since = await store.departed.stored(alice.stored_at)
        assert {each.user_id for each in since} == {ALICE, BOB}
        assert await store.departed.stored(alice.stored_at + timedelta(minutes=1)) == []


async def test_each_departure_is_noted_once_by_every_instance():
    rows, noted = Rows(), []
    departed = Departed(rows, noted.append)
    task = asyncio.create_task(departed.run())
    await until(lambda: departed.loaded)
    await departed.add(ALICE)
    await departed.add(ALICE)
    await rows.add(BOB)
    await until(lambda: BOB in noted)
    task.cancel()
    assert noted == [ALICE, BOB]


async def test_who_watches_a_user_sees_at_once_that_the_account_is_gone():
    class Watcher:
        user_id = BOB
        seen: ClassVar = []

        def saw(self, changes: dict[UserId, bool]) -> None:
            self.seen.append(changes)

    class Store:
        async def acquainted(self, viewer, user_ids):
            return user_ids

    class Leases:
        async def holders(self, keys):
            return [["some instance"] for _ in keys]

    class Blocks:
        def between(self, one, other) -> bool:
            return False

    def user_departed(user_id: UserId) -> None:
        presence.departed(user_id)

    departed = Departed(Rows(), user_departed)
    presence = Presence(Store(), Leases(), Blocks(), departed)
    watcher = Watcher()
    assert await presence.watch(watcher, [ALICE]) == {ALICE: True}
    await departed.add(ALICE)
    assert watcher.seen == [{ALICE: False}]
    assert await presence.of(BOB, [ALICE]) == {ALICE: False}
