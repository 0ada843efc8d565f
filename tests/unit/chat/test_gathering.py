import asyncio

import pytest

from chatterroom.chat.gathering import GatheredReads
from chatterroom.core.errors import StorageUnavailableError


class Shelf:
    """Counts up with every read, and lets each go on when it is told to."""

    def __init__(self) -> None:
        self.reads: list[set[str]] = []
        self.begun = asyncio.Semaphore(0)
        self.go_on = asyncio.Semaphore(0)
        self.away = False

    async def read(self, keys: list[str]) -> dict[str, int]:
        self.reads.append(set(keys))
        number = len(self.reads)
        self.begun.release()
        await self.go_on.acquire()
        if self.away:
            raise StorageUnavailableError("away")
        return dict.fromkeys(keys, number)


async def ask(reads: GatheredReads[str, int], *keys: str) -> list[asyncio.Task]:
    """Ask for each key; return when all have asked."""
    asking = [asyncio.create_task(reads.of([key])) for key in keys]
    await asyncio.sleep(0)
    return asking


async def test_those_who_ask_during_a_read_share_the_next():
    shelf = Shelf()
    reads = GatheredReads(shelf.read, 10)
    (first,) = await ask(reads, "a")
    await shelf.begun.acquire()
    later = await ask(reads, "a", "b", "b", "c")
    shelf.go_on.release()
    shelf.go_on.release()
    assert (await first)["a"] == 1
    assert [(await each)[key] for each, key in zip(later, "abbc", strict=True)] == [2, 2, 2, 2]
    assert shelf.reads == [{"a"}, {"a", "b", "c"}]


async def test_a_read_takes_no_more_when_it_has_enough():
    shelf = Shelf()
    reads = GatheredReads(shelf.read, 2)
    asking = await ask(reads, *"abcde")  # nobody else waits when the first asks
    for _ in range(3):
        shelf.go_on.release()
    await asyncio.gather(*asking)
    assert shelf.reads == [{"a"}, {"b", "c"}, {"d", "e"}]


async def test_a_failure_reaches_all_whom_the_read_was_for_and_nobody_else():
    shelf = Shelf()
    reads = GatheredReads(shelf.read, 2)
    shelf.away = True
    asking = await ask(reads, *"abcd")
    for _ in range(2):
        shelf.go_on.release()
    for each in asking[:3]:
        with pytest.raises(StorageUnavailableError):
            await each
    shelf.away = False
    shelf.go_on.release()
    assert (await asking[3])["d"] == 3


async def test_a_read_that_nobody_else_waits_for_begins_at_once():
    shelf = Shelf()
    reads = GatheredReads(shelf.read, 10)
    for number in (1, 2):
        shelf.go_on.release()
        with_timeout = asyncio.wait_for(reads.of(["a", "b"]), 5)
        assert await with_timeout == {"a": number, "b": number}


@pytest.mark.parametrize("asked_late", [False, True])
async def test_an_answer_is_never_older_than_its_question(asked_late: bool):
    shelf = Shelf()
    reads = GatheredReads(shelf.read, 10)
    (first,) = await ask(reads, "a")
    await shelf.begun.acquire()
    if asked_late:
        (late,) = await ask(reads, "a")
    shelf.go_on.release()
    await first
    if not asked_late:
        (late,) = await ask(reads, "a")
    shelf.go_on.release()
    assert (await late)["a"] == 2
