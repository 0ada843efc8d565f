"""A real `chatterroom up` as a child: started, watched, stopped."""

import contextlib
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.mongod import internal_url
from chatterroom.engines.ports import LOOPBACK, free_port
from chatterroom.engines.redis_server import redis_url

__all__ = ["Part", "RunningPlatform", "uncaused"]

_START_S = 60.0

_ENGINES = ("mongod", "redis")
_STOP_S = 45.0
_DEATH = re.compile(r"process_died +exit_code=(-?\d+) process=(\S+)")
_FAILED_START = re.compile(r"process_failed +process=(\S+) reason=.*ended with exit code (-?\d+)")
_FIELD = re.compile(r"\b(process|pid|state|address)=(\S+)")


@dataclass(frozen=True)
class Part:
    """One process of the platform, as its supervisor knows it."""

    name: str
    pid: int | None
    is_ready: bool
    address: str


class RunningPlatform:
    """The whole platform on a directory of its own, on loopback.

    `program` takes the arguments of `chatterroom`. `settings` are all that it gets: those of our
    own environment are left out, so that every run is the same.
    """

    def __init__(
        self,
        directory: Path,
        program: Sequence[str],
        *,
        users: int,
        chat: int,
        settings: Mapping[str, str],
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self._settings = settings
        self._command = [
            *(*program, "up", "--users", f"{users}", "--chat", f"{chat}"),
            *("--gateway-port", f"{self.port}", "--data-dir", f"{directory}"),
        ]
        self._process: ChildProcess | None = None
        self._log_start = 0
        self._killed: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Return once everything is ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        await self._launch()
        await self._wait_until_whole(_START_S)

    async def stop(self) -> None:
        """End it and all its children, also those that are stopped; keep nothing but logs."""
        await self._end()
        for engine in _ENGINES:
            shutil.rmtree(self.directory / engine, ignore_errors=True)

    async def is_whole(self) -> bool:
        """Say whether every process is up and the gateway finds all services healthy."""
        parts = self.parts()
        if not parts or not all(part.is_ready for part in parts.values()):
            return False
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                status = (await http.get(f"http://{LOOPBACK}:{self.port}/status")).json()
        except (httpx.HTTPError, ValueError):
            return False
        return "healthy" in status.values() and "unhealthy" not in status.values()

    def wake(self) -> None:
        """Let stopped processes go on."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_STOPPED:
                    process.send_signal(signal.SIGCONT)

    def signal(self, part: Part, number: signal.Signals) -> None:
        """Send a signal to one of its processes; none to a stranger who got the pid since."""
        for process in self.processes():
            if process.pid == part.pid:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
                    self._killed[part.name] += number == signal.SIGKILL

    @property
    def mongo_url(self) -> str:
        """The database past the platform, as one who may do anything."""
        mongod = DataDirectory(self.directory).engine("mongod")
        return internal_url(mongod, self.parts()["mongod"].address)

    @property
    def redis_url(self) -> str:
        """Redis past the platform."""
        redis = DataDirectory(self.directory).engine("redis")
        return redis_url(redis, self.parts()["redis"].address)

    def parts(self) -> dict[str, Part]:
        """Return what the supervisor last logged of each of its processes."""
        return {part.name: part for part in self._logged()}

    def deaths(self) -> list[tuple[str, int]]:
        """Return the processes that ended though nobody killed them, and their exit codes."""
        log = self._log().read_text(errors="replace")
        found = [(name, int(code)) for code, name in _DEATH.findall(log)]
        found += [(name, int(code)) for name, code in _FAILED_START.findall(log)]
        return uncaused(found, self._killed)

    def processes(self) -> list[psutil.Process]:
        """Return the processes of all services and engines, without the supervisor."""
        if self._process is None:
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.Error:
            return []

    async def _end(self) -> None:
        if self._process is None:
            return
        family = self.processes()
        self.wake()
        await self._process.stop(_STOP_S)
        # The supervisor's children end with it; this is for those of one that was killed.
        for process in psutil.wait_procs(family, timeout=5)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()

    async def _launch(self) -> None:
        self._process = await ChildProcess.start(
            self._command,
            log_path=self.directory / "up.out",
            environment={**_environment(), **self._environment()},
        )

    def _environment(self) -> Mapping[str, str]:
        """Return what is added to the environment at every start."""
        return dict(self._settings)

    async def _wait_until_whole(self, deadline_s: float) -> None:
        if self._process is not None:
            await self._process.wait_until(
                self.is_whole, name="chatterroom up", deadline_s=deadline_s
            )

    def _log(self) -> Path:
        return self.directory / "logs" / "up.log"

    def _logged(self) -> Iterator[Part]:
        try:
            with self._log().open("rb") as file:
                file.seek(self._log_start)
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            if "process_state" in line:
                fields = dict(_FIELD.findall(line))
                pid = fields.get("pid", "None")
                yield Part(
                    fields["process"],
                    int(pid) if pid.isdigit() else None,
                    fields["state"] == "ready",
                    fields.get("address", ""),
                )


def uncaused(deaths: Iterable[tuple[str, int]], killed: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the deaths, as (process, exit code), for which no kill of that process is known."""
    left = Counter(killed)
    found: list[tuple[str, int]] = []
    for name, exit_code in deaths:
        if exit_code == -signal.SIGKILL and left[name]:
            left[name] -= 1
        else:
            found.append((name, exit_code))
    return found


def _environment() -> dict[str, str]:
    """Return our environment without settings, so that every run is the same."""
    kept = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    root = str(Path(__file__).parent.parent)
    paths = os.pathsep.join([root, *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": paths}
