"""A cancellation that a library has lost, found again."""

import asyncio

__all__ = ["raise_if_cancelled"]


def raise_if_cancelled() -> None:
    """Raise `CancelledError` where the current task has been cancelled and goes on all the same.

    For loops that call a database driver: drivers use `asyncio.wait_for`, which before Python 3.12
    returns normally where the cancellation comes at the moment of the result. Not for tasks that
    catch the failure of a `TaskGroup` of their own: it leaves them marked as cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
