"""The directory that `chatterroom up` owns: where things are in it, and that only one uses it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatterroom.auth.secret_files import close_directory
from chatterroom.engines.errors import EngineError

__all__ = ["DataDirectory"]


@dataclass(frozen=True)
class DataDirectory:
    """Data of the engines, secrets and logs of one platform."""

    path: Path

    @property
    def secrets(self) -> Path:
        """Keys and credentials; see `auth/secrets.py`."""
        return self.path / "secrets"

    def engine(self, name: str) -> Path:
        """Return the directory of one engine."""
        return self.path / name

    def log(self, name: str) -> Path:
        """Return the log file of one process."""
        return self.path / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make it, and keep every other `chatterroom up` out until the block or we end.

        Closed to other users, and what was open is closed. Raises `EngineError` at once when
        another has it, and `SecretsError` if it is another user's.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        close_directory(self.path.resolve())
        self.log("up").parent.mkdir(exist_ok=True)
        descriptor = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = lock.read().strip() or "unknown"
                raise EngineError(
                    f"{self.path} is already in use by another `chatterroom up` (pid {owner})"
                ) from None
            lock.truncate()
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield
