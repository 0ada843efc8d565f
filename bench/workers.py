"""Processes of the load generator: each obeys one command at a time and ends with its parent."""

import gc
import multiprocessing
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any, Protocol

import psutil

from bench.checking import VoidRunError

__all__ = ["Busy", "Worker"]

_ANSWER_S = 180.0
_spawn = multiprocessing.get_context("spawn")


class Busy(Protocol):
    """What runs in a worker."""

    def obey(self, command: Any) -> Any:
        """Carry out one command and return its answer."""

    def work(self, pipe: Pipe) -> None:
        """Do what there is to do until a command can be read from the pipe."""


class Worker:
    """The parent's end of one process."""

    def __init__(self, make: Callable[..., Busy], *arguments: Any) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=_run, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.process = psutil.Process(self._process.pid)

    def tell(self, command: Any) -> None:
        """Give a command without waiting; `answer` must follow."""
        self._pipe.send(command)

    def answer(self, timeout_s: float = _ANSWER_S) -> Any:
        """Wait for the answer. Raises `VoidRunError` where the work failed."""
        if not self._pipe.poll(timeout_s):
            raise VoidRunError(f"the load generator did not answer within {timeout_s:.0f} s")
        try:
            succeeded, answer = self._pipe.recv()
        except (EOFError, OSError):
            raise VoidRunError("a process of the load generator has died") from None
        if not succeeded:
            raise VoidRunError(answer)
        return answer

    def ask(self, command: Any, timeout_s: float = _ANSWER_S) -> Any:
        """Give a command and wait for its answer."""
        self.tell(command)
        return self.answer(timeout_s)

    def raise_if_failed(self) -> None:
        """Raise `VoidRunError` where the work has failed; only between commands."""
        if self._pipe.poll(0):
            self.answer(0)

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)


def _run(pipe: Pipe, make: Callable[..., Busy], arguments: tuple[Any, ...]) -> None:
    # Collections would show as latencies of the server; nothing here lives long.
    gc.disable()
    try:
        busy = make(*arguments)
        while True:
            busy.work(pipe)
            pipe.send((True, busy.obey(pipe.recv())))
    except (EOFError, BrokenPipeError):
        return
    except VoidRunError as error:
        _report(pipe, str(error))
    except Exception:  # noqa: BLE001 -- whatever it is, the run proves nothing
        _report(pipe, traceback.format_exc())


def _report(pipe: Pipe, reason: str) -> None:
    try:
        pipe.send((False, reason))
        # The parent reads the reason, then hangs up.
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline and not pipe.poll(1):
            pass
    except (EOFError, OSError):
        return
