import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.chat.conftest import ALICE, BOB, CAROL

from chatterroom.chat.blocks import MAX_BLOCKS, Block, Blocks
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError
from chatterroom.core.ids import UserId, new_id


class Rows:
    """What is stored, as a list; sometimes away."""

    def __init__(self) -> None:
        self.rows: list[Block] = []
        self.away = False
        self.reads = 0
        self.answer: asyncio.Event | None = None
        """When reads are answered, with what was stored when they were asked."""

    async def set_block(self, user_id: UserId, blocked_id: UserId, *, blocked: bool) -> None:
        moment = datetime.now(UTC)
        self.rows = [row for row in self.rows if row[:2] != (user_id, blocked_id)]
        self.rows.append(Block(user_id, blocked_id, blocked, moment))

    async def blocks_changed(self, since: datetime | None) -> list[Block]:
        self.reads += 1
        if self.away:
            raise StorageUnavailableError("away")
        found = [row for row in self.rows if since is None or row.changed_at >= since]
        if self.answer is not None:
            await self.answer.wait()
        return found


async def following(rows, told=None):
    blocks = Blocks(rows, lambda *change: told.append(change) if told is not None else None)
    task = asyncio.create_task(blocks.run())
    async with asyncio.timeout(10):
        while not blocks.loaded:
            await asyncio.sleep(0.01)
    return blocks, task


def refused(blocks: Blocks, user_id: UserId, other: UserId) -> bool:
    try:
        blocks.require_none(user_id, [other])
    except ChatterRoomError as error:
        return error.code is ErrorCode.BLOCKED
    return False


async def test_a_block_holds_both_ways_until_it_ends():
    blocks, task = await following(Rows())
    await blocks.set(ALICE, BOB, blocked=True)
    assert refused(blocks, ALICE, BOB)
    assert refused(blocks, BOB, ALICE)
    assert not refused(blocks, ALICE, CAROL)
    await blocks.set(BOB, ALICE, blocked=True)
    await blocks.set(ALICE, BOB, blocked=False)
    assert refused(blocks, ALICE, BOB)
    await blocks.set(BOB, ALICE, blocked=False)
    assert not refused(blocks, ALICE, BOB)
    task.cancel()


async def test_another_instance_learns_of_blocks_and_their_ends_and_tells_each_once():
    rows, told = Rows(), []
    here, one = await following(rows)
    there, two = await following(rows, told)
    for blocked in (True, False):
        await here.set(ALICE, BOB, blocked=blocked)
        async with asyncio.timeout(10):
            while refused(there, BOB, ALICE) != blocked:
                await asyncio.sleep(0.01)
    assert told == [(ALICE, BOB, True), (ALICE, BOB, False)]
    one.cancel()
    two.cancel()


async def test_what_was_read_before_a_change_does_not_undo_it():
    rows = Rows()
    blocks, task = await following(rows)
    task.cancel()
    await blocks.set(ALICE, BOB, blocked=True)
    rows.answer = asyncio.Event()
    reading = asyncio.create_task(blocks.stored(ALICE))
    await asyncio.sleep(0)
    ending = asyncio.create_task(blocks.set(ALICE, BOB, blocked=False))
    await asyncio.sleep(0)
    rows.answer.set()
    await asyncio.gather(reading, ending)
    assert blocks.of(ALICE) == []
    assert not refused(blocks, ALICE, BOB)


async def test_nothing_passes_before_the_blocks_have_been_read():
    rows = Rows()
    await rows.set_block(ALICE, BOB, blocked=True)
    blocks = Blocks(rows, lambda *_: None)
    with pytest.raises(StorageUnavailableError):
        blocks.require_none(BOB, [CAROL])


async def test_storage_that_was_away_is_asked_again():
    rows = Rows()
    blocks, task = await following(rows)
    rows.away = True
    await rows.set_block(ALICE, BOB, blocked=True)
    assert not refused(blocks, BOB, ALICE)
    rows.away = False
    async with asyncio.timeout(10):
        while not refused(blocks, BOB, ALICE):
            await asyncio.sleep(0.01)
    task.cancel()


async def test_nobody_blocks_themselves_or_more_than_a_thousand():
    rows = Rows()
    moment = datetime.now(UTC) - timedelta(days=1)
    rows.rows = [Block(ALICE, UserId(new_id()), True, moment) for _ in range(MAX_BLOCKS)]
    blocks, task = await following(rows)
    with pytest.raises(ChatterRoomError, match="yourself"):
        await blocks.set(ALICE, ALICE, blocked=True)
    with pytest.raises(ChatterRoomError, match="at most"):
        await blocks.set(ALICE, BOB, blocked=True)
    await blocks.set(ALICE, rows.rows[0].blocked_id, blocked=True)
    task.cancel()


async def test_mongodb_keeps_blocks_and_gives_what_changed(mongo_url):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        await store.blocks.set_block(ALICE, BOB, blocked=True)
        await store.blocks.set_block(ALICE, CAROL, blocked=True)
        await store.blocks.set_block(ALICE, CAROL, blocked=False)
        everything = await store.blocks.blocks_changed(None)
        assert {row[:3] for row in everything} == {(ALICE, BOB, True), (ALICE, CAROL, False)}
        first = min(row.changed_at for row in everything)
        assert sorted(await store.blocks.blocks_changed(first)) == sorted(everything)
        assert await store.blocks.blocks_changed(first + timedelta(minutes=1)) == []


async def test_who_stored_a_block_hears_of_its_end_through_another_instance(mongo_url):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        here, there = (Blocks(store.blocks, lambda *_: None) for _ in range(2))
        assert await here.stored(ALICE) == []
        await here.set(ALICE, BOB, blocked=True)
        await there.set(ALICE, BOB, blocked=False)
        assert await here.stored(ALICE) == []
        assert not refused(here, BOB, ALICE)


async def test_a_list_shows_what_another_instance_was_told_a_moment_ago():
    rows = Rows()
    here, there = (Blocks(rows, lambda *_: None) for _ in range(2))
    await here.set(ALICE, BOB, blocked=True)
    assert await there.stored(ALICE) == [BOB]
    await here.set(ALICE, BOB, blocked=False)
    assert await there.stored(ALICE) == []


async def test_the_end_of_a_block_that_never_was_leaves_nothing(mongo_url):
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        for _ in range(3):
            await store.blocks.set_block(ALICE, UserId(new_id()), blocked=False)
        assert await store.blocks.blocks_changed(None) == []


async def test_those_who_ask_at_once_share_a_read():
    rows = Rows()
    blocks = Blocks(rows, lambda *_: None)
    rows.answer = asyncio.Event()
    first = asyncio.create_task(blocks.stored(ALICE))
    await asyncio.sleep(0)
    others = [asyncio.create_task(blocks.stored(ALICE)) for _ in range(50)]
    await asyncio.sleep(0)
    await rows.set_block(ALICE, BOB, blocked=True)
    rows.answer.set()
    assert await first == []
    assert await asyncio.gather(*others) == [[BOB]] * 50
    assert rows.reads == 2
