"""What an engine keeps in its directory besides its data: its port, its secrets, its user."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Container
from pathlib import Path

from chatterroom.engines.errors import EngineError
from chatterroom.engines.ports import free_port, is_free

__all__ = ["EngineDirectory"]

_POLL_INTERVAL_S = 0.05


class EngineDirectory:
    """The directory of one engine: `data/` for the engine; `port`, `lock` and `secrets/` for us."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def data(self) -> Path:
        """Where the engine itself writes; made on first use."""
        data = self.path / "data"
        data.mkdir(parents=True, exist_ok=True)
        return data

    def secret_file(self, name: str) -> Path:
        """Return where a secret of the engine is kept; see `kept_secret.py`."""
        return self.path / "secrets" / name

    def choose_port(self, besides: Container[int] = ()) -> int:
        """Return the port used last time if it is free and none of `besides`, else another one."""
        try:
            port = int((self.path / "port").read_text())
        except (FileNotFoundError, ValueError):
            return free_port(besides)
        return port if port not in besides and is_free(port) else free_port(besides)

    def remember_port(self, port: int) -> None:
        """Make `port` the one to try first next time."""
        (self.path / "port").write_text(f"{port}\n")

    @contextlib.asynccontextmanager
    async def locked(self, deadline_s: float) -> AsyncIterator[int]:
        """Hold the directory's lock and yield its file descriptor, for the engine to inherit.

        The lock lasts as long as any process has the descriptor, so an engine that outlived its
        parent keeps others out. Waits for such a one to end; raises `EngineError` when it does
        not within `deadline_s`.
        """
        descriptor = self._open_lock()
        try:
            try:
                async with asyncio.timeout(deadline_s):
                    while not _try_lock(descriptor):  # noqa: ASYNC110 - no event tells
                        await asyncio.sleep(_POLL_INTERVAL_S)
            except TimeoutError:
                raise EngineError(f"{self.path} is in use by another process") from None
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        return os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
