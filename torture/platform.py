"""A real `chatterroom up` as a child: started, watched, healed, stopped. Injects nothing itself."""

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
from torture.replica_set import ReplicaSet
from torture.schedule import LINK, PRIMARY
from torture.twin import WHOLE, link_variable

__all__ = ["NotHealedError", "Part", "Platform", "uncaused"]

_ENGINES = ("mongod", "redis")

_START_S = 60.0
_HEAL_S = 60.0
_STOP_S = 45.0
_DEATH = re.compile(r"process_died +exit_code=(-?\d+) process=(\S+)")
_FAILED_START = re.compile(r"process_failed +process=(\S+) reason=.*ended with exit code (-?\d+)")
_FIELD = re.compile(r"\b(process|pid|state|address)=(\S+)")
_LIMITS_OFF = (
    "ADDRESS_REQUESTS_PER_S",
    "USER_REQUESTS_PER_S",
    "CREDENTIALS_PER_MIN",
    "EMAIL_ATTEMPTS_PER_MIN",
    "ADDRESS_HANDSHAKES_PER_S",
    "USER_HANDSHAKES_PER_S",
)
_QUOTAS_OFF = (
    "USER_MESSAGES_PER_S",
    "USER_MESSAGE_BYTES_PER_S",
    "USER_CHANGES_PER_S",
    "USER_MARKS_PER_S",
    "USER_TYPING_PER_S",
    "USER_PRESENCE_PER_S",
    "USER_SOCKETS_PER_S",
    "USER_RESUMED_BYTES_PER_S",
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

    Services reach the engines, and clients the gateway, by `links`, one for each of them. With
    more than one of `mongods` these are a replica set of ours; else `up` starts its own mongod.
    """

    def __init__(
        self,
        directory: Path,
        *,
        users: int,
        chat: int,
        seed: int,
        mutant: str | None,
        mongods: int = 1,
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
        self._killed: Counter[str] = Counter()
        self.mongods = (
            ReplicaSet(directory / "mongod", directory / "logs", members=mongods, seed=seed)
            if mongods > 1
            else None
        )
        members = [member.name for member in self.mongods.members] if self.mongods else ["mongod"]
        self._mongods = members
        self.links = {
            name: Link(partial(self._address, name), random.Random(f"link {name} {seed}"))
            for name in (*members, *(end for end in LINKED if end != "mongod"))
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
        if self.mongods is not None:
            await self.mongods.start()
        await self._launch()
        await self._wait_until_whole(_START_S)

    async def links_to(self, target: str) -> list[Link]:
        """Return the links of a name: to all mongods, to the one that is primary, to another."""
        end = target.removesuffix(LINK)
        if end == PRIMARY:
            primary = await self.mongods.primary() if self.mongods else None
            return [self.links[primary.name]] if primary else []
        return [self.links[name] for name in (self._mongods if end == "mongod" else [end])]

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
        if self.mongods is not None:
            await self.mongods.kill()
        await self._process.wait()
        await asyncio.to_thread(psutil.wait_procs, family, timeout=_STOP_S)

    async def plug_in(self) -> None:
        """Start again on the data that is left; raises `EngineError` where it does not get up."""
        self._log_start = self._log().stat().st_size
        if self.mongods is not None:
            await self.mongods.heal(_HEAL_S)
        await self._launch()
        await self._wait_until_whole(_HEAL_S)

    async def stop(self) -> None:
        """End it and all its children, also those that are stopped; keep nothing but logs."""
        for link in self.links.values():
            link.mend()
        if self._process is not None:
            await self._stop_process(self._process)
        if self.mongods is not None:
            await self.mongods.stop()
        for link in self.links.values():
            await link.close()
        for engine in _ENGINES:
            shutil.rmtree(self._directory / engine, ignore_errors=True)

    async def _stop_process(self, up: ChildProcess) -> None:
        family = self._family()
        self.wake()
        await up.stop(_STOP_S)
        # The supervisor's children end with it; this is for those of a supervisor that was killed.
        for process in psutil.wait_procs(family, timeout=5)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()

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
            if self.mongods is not None:
                await self.mongods.heal(_HEAL_S)
            await self._wait_until_whole(_HEAL_S)
        except EngineError as error:
            raise NotHealedError(f"{_HEAL_S:g} s after the last fault: {error}") from error

    def wake(self) -> None:
        """Let stopped processes go on."""
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_STOPPED:
                    process.send_signal(signal.SIGCONT)

    def signal(self, part: Part, number: signal.Signals) -> None:
        """Send a signal to one of its processes; none to a stranger who got the pid since."""
        for process in self._family():
            if process.pid == part.pid:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
                    self._killed[part.name] += number == signal.SIGKILL

    @property
    def mongo_url(self) -> str:
        """The database past the platform, as one who may do anything."""
        if self.mongods is not None:
            return self.mongods.internal_url
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
        ports = {
            link_variable("mongod"): ",".join(f"{self.links[each].port}" for each in self._mongods),
            link_variable("redis"): f"{self.links['redis'].port}",
        }
        mongo_urls = self.mongods.environment() if self.mongods is not None else {}
        self._process = await ChildProcess.start(
            self._command,
            log_path=self._directory / "up.out",
            environment=_environment() | ports | mongo_urls,
        )

    async def _wait_until_whole(self, deadline_s: float) -> None:
        if self._process is not None:
            await self._process.wait_until(
                self.is_whole, name="chatterroom up", deadline_s=deadline_s
            )

    def _address(self, name: str) -> str:
        """Return where one of those that have a link listens; ports stay the same."""
        if name == "gateway":
            return self._gateway
        for member in self.mongods.members if self.mongods is not None else ():
            if member.name == name:
                return member.address
        if not self._addresses.get(name) and (part := self.parts().get(name)):
            self._addresses[name] = part.address
        return self._addresses.get(name, "")

    def _log(self) -> Path:
        return self._directory / "logs" / "up.log"

    def deaths(self) -> list[tuple[str, int]]:
        """Return the processes that ended though nobody killed them, and their exit codes."""
        log = self._log().read_text(errors="replace")
        found = [(name, int(code)) for code, name in _DEATH.findall(log)]
        found += [(name, int(code)) for name, code in _FAILED_START.findall(log)]
        return uncaused(found, self._killed) + (self.mongods.deaths() if self.mongods else [])

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
    """Return our environment without settings, so that every run is the same, and limits off."""
    kept = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    root = str(Path(__file__).parent.parent)
    paths = os.pathsep.join([root, *filter(None, [kept.get("PYTHONPATH")])])
    off = {f"CHATTERROOM_GATEWAY_{name}": "0" for name in _LIMITS_OFF}
    off["CHATTERROOM_USERS_MAX_SESSIONS_PER_USER"] = "0"
    off |= {f"CHATTERROOM_CHAT_{name}": "0" for name in _QUOTAS_OFF}
    return kept | off | {"PYTHONPATH": paths}
