"""A real `chatterroom up` as a child: started, watched, healed, stopped. Injects nothing itself."""

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.errors import EngineError
from chatterroom.engines.mongod import internal_url
from chatterroom.engines.ports import LOOPBACK, free_port
from chatterroom.engines.redis_server import redis_url
from torture.links import LINKED, Link
from torture.twin import WHOLE, link_variable

__all__ = ["NotHealedError", "Part", "Platform"]

_ENGINES = ("mongod", "redis")

_START_S = 60.0
_HEAL_S = 60.0
_STOP_S = 45.0
_DEATH = re.compile(r"process_died +exit_code=(-?\d+) process=(\S+)")
_FIELD = re.compile(r"\b(process|pid|state|address)=(\S+)")
_LIMITS_OFF = (
    "ADDRESS_REQUESTS_PER_S",
    "USER_REQUESTS_PER_S",
    "CREDENTIALS_PER_MIN",
    "EMAIL_ATTEMPTS_PER_MIN",
    "ADDRESS_HANDSHAKES_PER_S",
    "USER_HANDSHAKES_PER_S",
)


class NotHealedError(EngineError):
    """The platform did not get up again by itself."""


@dataclass(frozen=True)
class Part:
    """One process of the platform, as its supervisor knows it."""

    name: str
    pid: int | None
    is_ready: bool
    address: str


class Platform:
    """The whole platform on a directory of its own, on loopback, its limits for strangers off.

    Services reach the engines, and clients the gateway, by `links`, one for each of the three.
    """

    def __init__(
        self, directory: Path, *, users: int, chat: int, seed: int, mutant: str | None
    ) -> None:
        self._directory = directory
        self._port = free_port()
        self._gateway = f"{LOOPBACK}:{self._port}"
        self._command = [
            *(sys.executable, "-m", "torture.twin", mutant or WHOLE, "up"),
            *("--users", f"{users}", "--chat", f"{chat}"),
            *("--gateway-port", f"{self._port}", "--data-dir", f"{directory}"),
        ]
        self._process: ChildProcess | None = None
        self._log_start = 0
        self._addresses: dict[str, str] = {}
        self.links = {
            name: Link(partial(self._address, name), random.Random(f"link {name} {seed}"))
            for name in LINKED
        }

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self.links['gateway'].port}"

    async def start(self) -> None:
        """Return once everything is ready."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for link in self.links.values():
            await link.start()
        await self._launch()
        await self._wait_until_whole(_START_S)

    async def unplug(self) -> None:
        """Kill every process of it at one moment, as far as there is one."""
        if self._process is None:
            return
        family = self._family()
        # Stopped first, so that it neither replaces nor ends in order what is killed.
        supervisor = psutil.Process(self._process.pid)
        supervisor.suspend()
        for process in [*family, supervisor]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        await self._process.wait()
        await asyncio.to_thread(psutil.wait_procs, family, timeout=_STOP_S)

    async def plug_in(self) -> None:
        """Start again on the data that is left; raises `EngineError` where it does not get up."""
        self._log_start = self._log().stat().st_size
        await self._launch()
        await self._wait_until_whole(_HEAL_S)

    async def stop(self) -> None:
        """End it and all its children, also those that are stopped; keep nothing but logs."""
        if self._process is None:
            return
        for link in self.links.values():
            link.mend()
        family = self._family()
        self.wake()
        await self._process.stop(_STOP_S)
        # The supervisor's children end with it; this is for those of a supervisor that was killed.
        for process in psutil.wait_procs(family, timeout=5)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for link in self.links.values():
            await link.close()
        for engine in _ENGINES:
            shutil.rmtree(self._directory / engine, ignore_errors=True)

    async def is_whole(self) -> bool:
        """Say whether every process is up and the gateway finds all services healthy."""
        parts = self.parts()
        if not parts or not all(part.is_ready for part in parts.values()):
            return False
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                status = (await http.get(f"http://{self._gateway}/status")).json()
        except (httpx.HTTPError, ValueError):
            return False
        return "healthy" in status.values() and "unhealthy" not in status.values()

    async def heal(self) -> None:
        """Wake what is stopped, mend links, and return once everything is up.

        Raises `NotHealedError`.
        """
        self.wake()
        for link in self.links.values():
            link.mend()
        if self._process is None:
            return
        try:
            await self._wait_until_whole(_HEAL_S)
        except EngineError as error:
            raise NotHealedError(f"{_HEAL_S:g} s after the last fault: {error}") from error

    def wake(self) -> None:
        """Let stopped processes go on."""
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_STOPPED:
                    process.send_signal(signal.SIGCONT)

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to one of its processes; none to a stranger who got the pid since."""
        for process in self._family():
            if process.pid == pid:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)

    @property
    def mongo_url(self) -> str:
        """The database past the platform, as one who may do anything."""
        mongod = DataDirectory(self._directory).engine("mongod")
        return internal_url(mongod, self.parts()["mongod"].address)

    @property
    def redis_url(self) -> str:
        """Redis past the platform."""
        redis = DataDirectory(self._directory).engine("redis")
        return redis_url(redis, self.parts()["redis"].address)

    def parts(self) -> dict[str, Part]:
        """Return what the supervisor last logged of each of its processes."""
        return {part.name: part for part in self._logged()}

    async def _launch(self) -> None:
        ports = {link_variable(name): f"{self.links[name].port}" for name in _ENGINES}
        self._process = await ChildProcess.start(
            self._command,
            log_path=self._directory / "up.out",
            environment=_environment() | ports,
        )

    async def _wait_until_whole(self, deadline_s: float) -> None:
        if self._process is not None:
            await self._process.wait_until(
                self.is_whole, name="chatterroom up", deadline_s=deadline_s
            )

    def _address(self, name: str) -> str:
        """Return where one of the three that have a link listens; ports stay the same."""
        if name == "gateway":
            return self._gateway
        if not self._addresses.get(name) and (part := self.parts().get(name)):
            self._addresses[name] = part.address
        return self._addresses.get(name, "")

    def _log(self) -> Path:
        return self._directory / "logs" / "up.log"

    def deaths(self) -> list[tuple[str, int]]:
        """Return the processes that ended otherwise than by SIGKILL, and their exit codes."""
        found = _DEATH.findall(self._log().read_text(errors="replace"))
        return [(process, int(code)) for code, process in found if int(code) != -signal.SIGKILL]

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

    def _family(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.Error:
            return []


def _environment() -> dict[str, str]:
    """Return our environment without settings, so that every run is the same, and limits off."""
    kept = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    root = str(Path(__file__).parent.parent)
    paths = os.pathsep.join([root, *filter(None, [kept.get("PYTHONPATH")])])
    off = {f"CHATTERROOM_GATEWAY_{name}": "0" for name in _LIMITS_OFF}
    off["CHATTERROOM_USERS_MAX_SESSIONS_PER_USER"] = "0"
    return kept | off | {"PYTHONPATH": paths}
