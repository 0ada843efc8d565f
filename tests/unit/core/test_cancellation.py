import asyncio

import pytest

from chatterroom.core.cancellation import raise_if_cancelled


async def test_a_swallowed_cancellation_is_raised_after_all():
    rounds = 0

    async def loop():
        nonlocal rounds
        while True:
            raise_if_cancelled()
            rounds += 1
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert rounds == 1


async def test_a_timeout_that_has_passed_is_no_cancellation():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    raise_if_cancelled()
