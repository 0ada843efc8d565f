"""A child process: its output in a file, its end tied to ours, a stop that always ends."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from chatterroom.engines import launch
from chatterroom.engines.errors import EngineError

__all__ = ["ChildProcess"]

_POLL_INTERVAL_S = 0.05
_KILL_DEADLINE_S = 10.0


class ChildProcess:
    """One running child. Where the system allows it (Linux), it does not outlive us.

    The system ties a child to the thread that started it: start children from a thread that
    lives as long as they shall.
    """

    def __init__(self, process: asyncio.subprocess.Process, log_path: Path) -> None:
        self._process = process
        self.log_path = log_path

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        on_parent_death: signal.Signals = signal.SIGTERM,
        inherited_fds: Sequence[int] = (),
    ) -> "ChildProcess":
        """Start `command`, an absolute path first, and append what it prints to `log_path`.

        The child leads its own session: Ctrl-C in the terminal reaches us, not it.
        """
        launcher = [sys.executable, "-I", "-S", launch.__file__, os.getpid(), int(on_parent_death)]
        with _appendable(log_path) as log_file:
            process = await asyncio.create_subprocess_exec(
                *(str(part) for part in (*launcher, *command)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                pass_fds=inherited_fds,
                start_new_session=True,
            )
        return cls(process, log_path)

    @property
    def pid(self) -> int:
        """The process id, also after the end."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for the end, without a deadline, and return the exit code."""
        return await self._process.wait()

    async def wait_until(
        self, probe: Callable[[], Awaitable[bool]], *, name: str, deadline_s: float
    ) -> None:
        """Call `probe` until it says yes.

        Raises `EngineError` when the child ends or the deadline passes before that.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while not await probe():
                    if self.exit_code is not None:
                        raise EngineError(
                            f"{name} ended with exit code {self.exit_code} while starting: "
                            f"see {self.log_path}"
                        )
                    await asyncio.sleep(_POLL_INTERVAL_S)
        except TimeoutError:
            raise EngineError(
                f"{name} was not ready within {deadline_s:g} s: see {self.log_path}"
            ) from None

    async def stop(self, deadline_s: float) -> int:
        """Ask it to end, kill it when `deadline_s` passes, and return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(deadline_s):
                return await self._process.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it and its children at once; return the exit code."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        async with asyncio.timeout(_KILL_DEADLINE_S):
            return await self._process.wait()


@contextlib.contextmanager
def _appendable(log_path: Path) -> Iterator[BinaryIO]:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log_file:
        yield log_file
