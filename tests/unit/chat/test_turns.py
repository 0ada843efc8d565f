"""One piece of long work at a time, and everything else in between."""

import asyncio
import itertools

from chatterroom.chat.turns import Turns


async def test_everything_else_goes_on_between_any_two_pieces():
    turns = Turns()
    done: list[str] = []

    async def long_work(name: str) -> None:
        for _ in range(3):
            async with turns.turn():
                done.append(name)

    async def something_else() -> None:
        while len([each for each in done if each != "else"]) < 6:
            done.append("else")
            await asyncio.sleep(0)

    await asyncio.gather(long_work("one"), long_work("other"), something_else())
    pieces = [at for at, each in enumerate(done) if each != "else"]
    assert all(later - earlier > 1 for earlier, later in itertools.pairwise(pieces))


async def test_who_waits_gets_a_turn_before_who_had_one():
    turns = Turns()
    done: list[str] = []

    async def long_work(name: str) -> None:
        for _ in range(2):
            async with turns.turn():
                done.append(name)

    await asyncio.gather(*(long_work(name) for name in "abc"))
    assert done == list("abcabc")


async def test_who_is_cancelled_keeps_nobody_waiting():
    turns = Turns()

    async def forever() -> None:
        async with turns.turn():
            await asyncio.Event().wait()

    holding, waiting = (asyncio.create_task(forever()) for _ in range(2))
    await asyncio.sleep(0)
    for task in (waiting, holding):
        task.cancel()
    async with turns.turn():
        pass
