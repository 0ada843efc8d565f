import asyncio
import time

import pytest

from chatterroom.sockets.deadlines import Deadlines


@pytest.fixture
def passed() -> "asyncio.Queue[str]":
    return asyncio.Queue()


async def next_of(passed: "asyncio.Queue[str]") -> str:
    async with asyncio.timeout(10):
        return await passed.get()


async def test_all_that_end_in_one_second_share_a_timer_and_all_end(passed):
    deadlines = Deadlines[str](passed.put_nowait)
    at_s = int(time.time()) + 1
    for item in ("a", "b", "c"):
        deadlines.add(at_s, item)
    assert len(deadlines) == 1
    assert {await next_of(passed) for _ in range(3)} == {"a", "b", "c"}
    # Timers of uvloop may come a millisecond early.
    assert time.time() > at_s - 0.01
    assert len(deadlines) == 0


async def test_what_has_ended_already_ends_at_once(passed):
    deadlines = Deadlines[str](passed.put_nowait)
    deadlines.add(int(time.time()) - 60, "late")
    assert await next_of(passed) == "late"


async def test_a_forgotten_item_does_not_end_and_the_last_one_takes_its_timer_along(passed):
    deadlines = Deadlines[str](passed.put_nowait)
    at_s = int(time.time()) - 1
    for item in ("kept", "forgotten"):
        deadlines.add(at_s, item)
    deadlines.add(at_s - 1, "alone")
    deadlines.discard(at_s - 1, "alone")
    deadlines.discard(at_s, "forgotten")
    assert len(deadlines) == 1
    assert await next_of(passed) == "kept"
    deadlines.add(at_s, "after")
    assert await next_of(passed) == "after"
    assert passed.empty()


async def test_forgetting_what_is_not_there_is_harmless(passed):
    deadlines = Deadlines[str](passed.put_nowait)
    deadlines.discard(1, "never added")
    deadlines.add(1, "one")
    deadlines.discard(1, "never added")
    assert await next_of(passed) == "one"
    deadlines.discard(1, "one")


async def test_one_that_fails_does_not_keep_the_others_from_their_end(passed):
    def fail_for_a(item: str) -> None:
        passed.put_nowait(item)
        if item == "a":
            raise RuntimeError("a bug")

    deadlines = Deadlines[str](fail_for_a)
    for item in ("b", "a", "c"):
        deadlines.add(int(time.time()) - 1, item)
    assert {await next_of(passed) for _ in range(3)} == {"a", "b", "c"}
