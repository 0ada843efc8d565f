"""Cancellations that get lost, and such as do harm."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["calls_ended", "raise_if_cancelled", "uncancelled", "until_one_fails"]

Store = TypeVar("Store", bound=type)

_running: WeakKeyDictionary[object, "set[asyncio.Task[Any]]"] = WeakKeyDictionary()


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


def uncancelled(store: Store) -> Store:
    """Let the calls of a store's public methods run to their end when their caller is cancelled.

    Before Python 3.12 a cancellation at the moment at which PyMongo gives up waiting for a
    connection leaves the lock of its pool locked for ever, and every later call waits for it
    without a deadline. The deadline of the call itself bounds how long it goes on.
    """
    for name, method in tuple(vars(store).items()):
        if iscoroutinefunction(method) and not name.startswith("_"):
            setattr(store, name, _shielded(method))
    return store


async def calls_ended(store: object) -> None:
    """Return when no call of an `uncancelled` store is under way: then its driver can be closed."""
    while running := _running.get(store):
        await asyncio.wait(running)


def _shielded(
    method: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(method)
    async def call(store: object, *arguments: Any, **named: Any) -> Any:
        task = asyncio.create_task(method(store, *arguments, **named))
        running = _running.setdefault(store, set())
        running.add(task)

        def end(done: "asyncio.Task[Any]") -> None:
            running.discard(done)
            if not done.cancelled():
                done.exception()  # nobody may be left to hear of it

        task.add_done_callback(end)
        return await asyncio.shield(task)

    return call
