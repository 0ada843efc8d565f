"""Work that goes on for as long as a process does, and failures that end no more than they must."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import structlog

from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.errors import ChatterRoomError, StorageUnavailableError

__all__ = ["each_apart", "isolated", "keep_running", "report"]

log = structlog.get_logger()

_REPORT_EVERY_S = 1.0
MAX_KINDS = 1_000
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

Item = TypeVar("Item")

_reported_at: dict[tuple[str, type[Exception], str], float] = {}


async def keep_running(
    what: str, work: Callable[[], Awaitable[None]], every_s: float = 0.0
) -> None:
    """Do `work` again and again until cancelled, with pauses of `every_s`.

    A failure, whatever it is, is reported and ends one round only: the next begins after a pause
    that doubles from a tenth of a second to two with every further failure. Work may also be
    endless: then it is begun again after a failure, and pauses are short again once it has lasted.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        raise_if_cancelled()
        began = time.monotonic()
        try:
            await work()
        except Exception as error:  # noqa: BLE001 -- reported; a loop must outlive every round
            report(what, error)
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(max(every_s, pause_s * random.uniform(0.5, 1.0)))
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        else:
            pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(every_s)


@contextmanager
def isolated(what: str) -> Iterator[None]:
    """Let a failure of what is inside be reported, and end nothing else."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- reported; others are still to be served
        report(what, error)


async def each_apart(
    items: Sequence[Item], do: Callable[[Sequence[Item]], Awaitable[None]]
) -> list[tuple[Item, Exception]]:
    """Do something with all items, and if that fails by a bug, with each half of them, and so on.

    So what fails alone leaves no other undone; it is returned. `do` must bear to be repeated.
    What a service or a store refuses (`ChatterRoomError`) is raised at once: it concerns all.
    """
    try:
        await do(items)
    except ChatterRoomError:
        raise
    except Exception as error:  # noqa: BLE001 -- returned
        if len(items) == 1:
            return [(items[0], error)]
        half = len(items) // 2
        return await each_apart(items[:half], do) + await each_apart(items[half:], do)
    return []


def report(what: str, error: Exception) -> None:
    """Log a failure: known errors in a line, bugs with their trace.

    Of those that are raised at the same place, one a second.
    """
    now = time.monotonic()
    kind = (what, type(error), _raised_at(error))
    if now - _reported_at.get(kind, -_REPORT_EVERY_S) < _REPORT_EVERY_S:
        return
    if len(_reported_at) >= MAX_KINDS:
        _reported_at.clear()
    _reported_at[kind] = now
    if isinstance(error, StorageUnavailableError):
        log.warning("interrupted", what=what, reason=error.reason or error.code.value)
    elif isinstance(error, ChatterRoomError):
        log.warning("interrupted", what=what, reason=error.code.value)
    else:
        log.error("failed", what=what, exc_info=error)


def _raised_at(error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame is not None else ""
