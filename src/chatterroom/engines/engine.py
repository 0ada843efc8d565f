"""What mongod and redis-server have in common: a directory, a port that stays, a child process."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Container
from pathlib import Path

import structlog

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.directory import EngineDirectory
from chatterroom.engines.errors import EngineError
from chatterroom.engines.ports import LOOPBACK

__all__ = ["Engine"]

log = structlog.get_logger(__name__)


class Engine(ABC):
    """One database server on one directory, on loopback only.

    The port stays the same while this object lives, and over later ones where it is still free.
    Starting again after any kind of end works, on the same object or on another.
    """

    name: str
    stop_deadline_s: float

    def __init__(
        self, directory: Path, *, log_path: Path | None = None, others_ports: Container[int] = ()
    ) -> None:
        self._directory = EngineDirectory(directory)
        self._log_path = log_path or self._directory.path / f"{self.name}.log"
        self._others_ports = others_ports
        self._port: int | None = None
        self._has_been_ready = False
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        """The child started last."""
        if self._process is None:
            raise EngineError(f"{self.name} has not been started")
        return self._process

    @property
    def port(self) -> int:
        """The loopback port it was given at the first start."""
        if self._port is None:
            raise EngineError(f"{self.name} has not been started")
        return self._port

    @property
    def address(self) -> str:
        """`host:port`, and empty before the first start."""
        return f"{LOOPBACK}:{self._port}" if self._port else ""

    async def start(self) -> None:
        """Start the engine and return once it is usable; raise `EngineError` if it is not."""
        await self.spawn()
        try:
            await self.wait_ready()
        except BaseException:
            await self.process.kill()
            raise

    async def spawn(self) -> ChildProcess:
        """Start the process alone, once any earlier user of the directory has ended."""
        binary = await asyncio.to_thread(self._locate)
        async with self._directory.locked(self.stop_deadline_s) as lock:
            if not self._has_been_ready:
                self._port = self._directory.choose_port(self._others_ports)
            self._process = await ChildProcess.start(
                [binary, *self._arguments(self._directory.data, self.port)],
                log_path=self._log_path,
                inherited_fds=[lock],
            )
        return self._process

    async def wait_ready(self) -> None:
        """Return once the spawned process is usable, or raise `EngineError`."""
        await self._wait_usable(self.process)
        self._directory.remember_port(self.port)
        self._has_been_ready = True
        log.info("engine_started", engine=self.name, address=self.address, pid=self.process.pid)

    async def stop(self) -> None:
        """Stop cleanly, or by force after the deadline."""
        exit_code = await self.process.stop(self.stop_deadline_s)
        log.info("engine_stopped", engine=self.name, exit_code=exit_code)

    @abstractmethod
    def _locate(self) -> Path: ...

    @abstractmethod
    def _arguments(self, data: Path, port: int) -> list[str]: ...

    @abstractmethod
    async def _wait_usable(self, process: ChildProcess) -> None: ...
