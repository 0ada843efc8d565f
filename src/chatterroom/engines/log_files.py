"""The log files of a platform, kept from growing without end."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import NoReturn

import structlog

__all__ = ["keep_small", "shorten"]

log = structlog.get_logger(__name__)

MAX_BYTES = 20 * 1024 * 1024
_EVERY_S = 30.0


async def keep_small(directory: Path) -> NoReturn:
    """Shorten what grows beyond 20 MiB, looking every half minute, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(shorten, directory, MAX_BYTES)
        except OSError as error:
            log.warning("logs_not_shortened", reason=str(error))
        await asyncio.sleep(_EVERY_S)


def shorten(directory: Path, max_bytes: int) -> None:
    """Move what is in each log file larger than `max_bytes` to `<name>.log.1`, in place of what
    was there.

    The processes have their files open for appending and keep them: what they write in the moment
    between copy and cut is lost.
    """
    for path in directory.glob("*.log"):
        if path.stat().st_size > max_bytes:
            older = path.with_name(f"{path.name}.1")
            shutil.copyfile(path, older)
            os.truncate(path, 0)
