import asyncio

import pytest

from chatterroom.core.cancellation import (
    calls_ended,
    raise_if_cancelled,
    uncancelled,
    until_one_fails,
)


@uncancelled
class Store:
    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.steps: list[str] = []

    async def write(self, text: str) -> str:
        await self.go_on.wait()
        self.steps.append(text)
        return text

    async def fail(self) -> None:
        raise ValueError


async def test_a_call_runs_to_its_end_when_its_caller_is_cancelled():
    store = Store()
    caller = asyncio.create_task(store.write("a"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    store.go_on.set()
    assert await store.write("b") == "b"
    assert store.steps == ["a", "b"]


async def test_the_end_of_calls_whose_callers_were_cancelled_can_be_waited_for():
    store = Store()
    caller = asyncio.create_task(store.write("a"))
    await asyncio.sleep(0)
    caller.cancel()
    ended = asyncio.create_task(calls_ended(store))
    await asyncio.wait([caller])
    assert not ended.done()
    store.go_on.set()
    await asyncio.wait_for(ended, 5)
    assert store.steps == ["a"]


async def test_a_call_fails_as_without():
    with pytest.raises(ValueError, match=r"^$"):
        await Store().fail()


async def test_a_lost_cancellation_is_raised_again():
    async def loop() -> None:
        while True:
            raise_if_cancelled()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue  # as a driver does that loses it

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait_for(asyncio.wait([task]), 5)
    assert task.cancelled()


async def test_one_failure_ends_all_and_leaves_nothing_cancelled():
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        await until_one_fails(endless(), fails())
    assert ended.is_set()
    raise_if_cancelled()
