"""One process of ChatterRoom as the supervisor runs it: its command, ports, settings, health."""

import signal
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError
from chatterroom.engines.ports import LOOPBACK, free_port

__all__ = ["Service"]

_READY_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 10.0


@dataclass
class Service:
    """A process that listens where its environment says.

    With `port_variables` it gets loopback ports of our choice, named to it by these variables.
    They stay the same over restarts; a child that ended before it was ready gets others, in case
    one was taken, unless `others_know_ports` and it has been ready before.
    """

    name: str
    command: Sequence[str | Path]
    environment: Callable[[], Mapping[str, str]]
    """Asked at every start, as the addresses of other processes are known only then."""
    is_ready: Callable[[str, int], Awaitable[bool]]
    """Whether the process answers on this host and port."""
    log_path: Path
    port_variables: Sequence[str] = ()
    others_ports: Container[int] = ()
    """Ports that somebody else was promised, free or not."""
    others_know_ports: bool = False
    host: str = LOOPBACK
    ports: Sequence[int] = ()
    """The first is where `is_ready` asks. Given without `port_variables`, they never change."""
    stop_deadline_s: float = _STOP_DEADLINE_S
    _process: ChildProcess | None = field(default=None, init=False)
    _was_ready: bool = field(default=False, init=False)

    @property
    def address(self) -> str:
        """`host:port`, and empty before the first start."""
        return f"{self.host}:{self.ports[0]}" if self.ports else ""

    async def spawn(self) -> ChildProcess:
        """Start the process."""
        if self.port_variables and not self._was_ready:
            self.ports = [free_port(self.others_ports) for _ in self.port_variables]
        self._was_ready = self._was_ready and self.others_know_ports
        own = {
            variable: str(port)
            for variable, port in zip(self.port_variables, self.ports, strict=False)
        }
        self._process = await ChildProcess.start(
            self.command,
            log_path=self.log_path,
            environment={**self.environment(), **own},
            # Services keep nothing that a sudden end could lose, and nothing may keep them alive.
            on_parent_death=signal.SIGKILL,
        )
        return self._process

    async def wait_ready(self) -> None:
        """Return once the spawned process is healthy, or raise `EngineError`."""
        if self._process is None:
            raise EngineError(f"{self.name} has not been started")
        await self._process.wait_until(
            lambda: self.is_ready(self.host, self.ports[0]),
            name=self.name,
            deadline_s=_READY_DEADLINE_S,
        )
        self._was_ready = True
