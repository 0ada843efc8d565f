"""Cancellations that get lost, found again."""

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["raise_if_cancelled", "until_one_fails"]


def raise_if_cancelled() -> None:
    """Raise `CancelledError` where the current task has been cancelled and goes on all the same.

    For loops that call a database driver: drivers use `asyncio.wait_for`, which before Python 3.12
    returns normally where the cancellation comes at the moment of the result. Not for tasks that
    catch the failure of a `TaskGroup` of their own: it leaves them marked as cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def until_one_fails(*endless: Coroutine[Any, Any, None]) -> None:
    """Run all; end all and raise what one raises. Cancelled, cancel all and wait for them.

    Unlike a `TaskGroup`, it does not leave the current task marked as cancelled.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in endless]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
