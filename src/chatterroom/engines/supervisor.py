"""Keeps child processes running: starts them in order, restarts what dies, stops in order."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, Protocol

import structlog

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError

__all__ = ["Backoff", "Program", "State", "Status", "Supervisor"]

log = structlog.get_logger(__name__)


class Program(Protocol):
    """Something that can be started, and started again."""

    @property
    def name(self) -> str:
        """What people call it; unique within one supervisor."""

    @property
    def address(self) -> str:
        """Where it listens; empty while unknown."""

    @property
    def stop_deadline_s(self) -> float:
        """How long it may take to end when asked to."""

    async def spawn(self) -> ChildProcess:
        """Start the process. Raises `EngineError` where that is impossible."""

    async def wait_ready(self) -> None:
        """Return once the process spawned last is usable. Raises `EngineError` when it ends."""


class State(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Status:
    """What can be said of one process now."""

    name: str
    address: str
    pid: int | None
    state: State
    restarts: int


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a restart, doubling from `first_s` to `longest_s`.

    A process that was ready for `healthy_after_s` begins anew. One that ends `first_attempts`
    times before it was ever ready is given up.
    """

    first_s: float = 0.2
    longest_s: float = 5.0
    healthy_after_s: float = 5.0
    first_attempts: int = 5


class Supervisor:
    """Owns the processes of some programs for as long as `run` runs.

    Groups start one after another, each when the one before is ready; the stop order is its own.
    Within a group, order means nothing.
    """

    def __init__(
        self,
        start_order: Sequence[Sequence[Program]],
        stop_order: Sequence[Sequence[Program]],
        *,
        on_change: Callable[[Status], None],
        backoff: Backoff | None = None,
    ) -> None:
        keepers = {
            program.name: _Keeper(program, on_change, backoff or Backoff())
            for group in start_order
            for program in group
        }
        self._start_order = [[keepers[program.name] for program in group] for group in start_order]
        self._stop_order = [[keepers[program.name] for program in group] for group in stop_order]

    async def run(self, on_ready: Callable[[], None]) -> NoReturn:
        """Start everything, call `on_ready` once all are ready, and keep them so until cancelled.

        Raises `EngineError` when a process cannot be brought up at the start. However it ends,
        every process has been stopped, in order, when it returns.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for group in self._start_order:
                    for keeper in group:
                        tasks.create_task(keeper.keep(), name=keeper.status.name)
                    for keeper in group:
                        await keeper.has_been_ready.wait()
                on_ready()
            raise AssertionError("keepers never return")
        except ExceptionGroup as group:
            raise _first(group) from group
        finally:
            await self._stop()

    async def _stop(self) -> None:
        for group in self._stop_order:
            await asyncio.gather(*(keeper.stop() for keeper in group))


class _Keeper:
    """Keeps one program running."""

    def __init__(
        self, program: Program, on_change: Callable[[Status], None], backoff: Backoff
    ) -> None:
        self._program = program
        self._on_change = on_change
        self._backoff = backoff
        self._process: ChildProcess | None = None
        self._state = State.STOPPED
        self._restarts = 0
        self.has_been_ready = asyncio.Event()

    @property
    def status(self) -> Status:
        running = self._process is not None and self._process.exit_code is None
        return Status(
            name=self._program.name,
            address=self._program.address,
            pid=self._process.pid if self._process and running else None,
            state=self._state,
            restarts=self._restarts,
        )

    async def keep(self) -> NoReturn:
        delays = self._delays()
        while True:
            ready_for_s = await self._live_once()
            if ready_for_s >= self._backoff.healthy_after_s:
                delays = self._delays()
            self._restarts += 1
            self._enter(State.RESTARTING)
            await asyncio.sleep(next(delays))

    async def stop(self) -> None:
        if self._process is None:
            return
        exit_code = await self._process.stop(self._program.stop_deadline_s)
        log.info("process_stopped", process=self._program.name, exit_code=exit_code)
        self._enter(State.STOPPED)

    async def _live_once(self) -> float:
        """Run the process from start to end; return for how many seconds it was ready."""
        loop = asyncio.get_running_loop()
        try:
            self._process = await self._program.spawn()
            self._enter(State.STARTING)
            await self._program.wait_ready()
        except EngineError as error:
            await self._failed(error)
            return 0.0
        ready_at = loop.time()
        self._enter(State.READY)
        self.has_been_ready.set()
        exit_code = await self._process.wait()
        log.warning("process_died", process=self._program.name, exit_code=exit_code)
        return loop.time() - ready_at

    async def _failed(self, error: EngineError) -> None:
        log.warning("process_failed", process=self._program.name, reason=str(error))
        hopeless = self._process is None or self._restarts + 1 >= self._backoff.first_attempts
        if self._process is not None:
            await self._process.kill()
        if hopeless and not self.has_been_ready.is_set():
            raise error

    def _delays(self) -> Iterator[float]:
        delay = self._backoff.first_s
        while True:
            yield delay
            delay = min(delay * 2, self._backoff.longest_s)

    def _enter(self, state: State) -> None:
        self._state = state
        status = self.status
        log.info(
            "process_state",
            process=status.name,
            state=state.value,
            address=status.address,
            pid=status.pid,
            restarts=status.restarts,
        )
        self._on_change(status)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
