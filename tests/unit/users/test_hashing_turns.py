"""Who is next when many wait for a password to be hashed."""

import asyncio

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users import hashing_turns as module
from chatterroom.users.hashing_turns import Asker, HashingTurns


class Line:
    """People who wait for one turn; `served` says in which order they had it."""

    def __init__(self, concurrency: int = 1) -> None:
        self.turns = HashingTurns(concurrency)
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, name: str, *, logs_in: bool = False) -> asyncio.Task[None]:
        async def one() -> None:
            async with self.turns.of(Asker(name, logs_in)):
                self.served.append(name)
                await asyncio.sleep(0)

        task = asyncio.create_task(one())
        self.tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def all(self) -> list[str]:
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.served


async def test_a_flood_waits_behind_itself():
    line = Line()
    async with line.turns.of(Asker("somebody")):
        for _ in range(5):
            await line.ask("flood")
        await line.ask("ada")
        await line.ask("bob")
    assert await line.all() == ["flood", "ada", "bob", *["flood"] * 4]


async def test_logins_have_every_second_turn_however_many_others_wait():
    line = Line()
    async with line.turns.of(Asker("somebody")):
        for number in range(6):
            await line.ask(f"change {number}")
        for number in range(3):
            await line.ask(f"login {number}", logs_in=True)
    served = await line.all()
    assert [name.split()[0] for name in served[:6]] == ["login", "change"] * 3
    assert len(served) == 9


async def test_others_are_served_while_logins_flood():
    line = Line()
    async with line.turns.of(Asker("somebody")):
        for number in range(6):
            await line.ask(f"login {number}", logs_in=True)
        await line.ask("change")
    assert (await line.all()).index("change") <= 1


async def test_turns_are_not_more_than_allowed_and_none_is_lost():
    line, at_once, most = Line(2), 0, 0

    async def one(number: int) -> None:
        nonlocal at_once, most
        async with line.turns.of(Asker(f"{number % 5}", number % 2 == 0)):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    tasks = [asyncio.create_task(one(number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[10:40:3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 2
    # All are free again.
    async with line.turns.of(Asker("ada")), line.turns.of(Asker("bob")):
        pass


async def test_who_is_cancelled_at_the_very_moment_of_their_turn_passes_it_on():
    line = Line()
    holding = line.turns.of(Asker("somebody"))
    await holding.__aenter__()
    first = await line.ask("first")
    await line.ask("second")
    first.cancel()
    await holding.__aexit__(None, None, None)
    assert await line.all() == ["second"]
    holding = line.turns.of(Asker("somebody"))
    await holding.__aenter__()
    third = await line.ask("third")
    await line.ask("fourth")
    await holding.__aexit__(None, None, None)
    third.cancel()
    assert (await line.all())[-1] == "fourth"
    assert third.cancelled()


async def test_too_many_of_one_asker_are_turned_away_and_others_are_not(monkeypatch):
    monkeypatch.setattr(module, "_MAX_QUEUE", 3)
    line = Line()
    async with line.turns.of(Asker("somebody")):
        asked = [await line.ask("flood") for _ in range(4)]
        await line.ask("ada")
        with pytest.raises(ChatterRoomError) as caught:
            await asked[-1]
    assert caught.value.code is ErrorCode.OVERLOADED
    assert caught.value.data["policy"] == "hashing"
    assert (await line.all()).count("ada") == 1


async def test_who_waits_too_long_is_told_to_come_back(monkeypatch):
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    line = Line()
    async with line.turns.of(Asker("somebody")):
        asked = await line.ask("ada")
        with pytest.raises(ChatterRoomError) as caught:
            await asked
    assert caught.value.retry_after_s
    await line.ask("bob")
    assert await line.all() == ["bob"]
