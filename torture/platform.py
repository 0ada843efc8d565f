"""A real `chatterroom up` as a child: started, watched, healed, stopped. Injects nothing itself."""

import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError
from chatterroom.engines.ports import LOOPBACK, free_port

__all__ = ["NotHealedError", "Part", "Platform"]

_START_S = 60.0
_HEAL_S = 60.0
_STOP_S = 45.0
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
    """The whole platform on a directory of its own, on loopback, its limits for strangers off."""

    def __init__(self, directory: Path, *, users: int, chat: int, mutant: str | None) -> None:
        self._directory = directory
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        # Behind `-m chatterroom` or its broken twin comes the same command line.
        program = ("torture.broken", mutant) if mutant else ("chatterroom",)
        self._command = [
            *(sys.executable, "-m", *program, "up"),
            *("--users", f"{users}", "--chat", f"{chat}"),
            *("--gateway-port", f"{self._port}", "--data-dir", f"{directory}"),
        ]
        self._process: ChildProcess | None = None

    async def start(self) -> None:
        """Return once everything is ready."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process = await ChildProcess.start(
            self._command, log_path=self._directory / "up.out", environment=_environment()
        )
        await self._process.wait_until(self.is_whole, name="chatterroom up", deadline_s=_START_S)

    async def stop(self) -> None:
        """End it and all its children, also those that are stopped; keep nothing but logs."""
        if self._process is None:
            return
        family = self._family()
        self.wake()
        await self._process.stop(_STOP_S)
        # The supervisor's children end with it; this is for those of a supervisor that was killed.
        for process in psutil.wait_procs(family, timeout=5)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for engine in ("mongod", "redis"):
            shutil.rmtree(self._directory / engine, ignore_errors=True)

    async def is_whole(self) -> bool:
        """Say whether every process is up and the gateway finds all services healthy."""
        parts = self.parts()
        if not parts or not all(part.is_ready for part in parts.values()):
            return False
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                status = (await http.get(f"{self.url}/status")).json()
        except (httpx.HTTPError, ValueError):
            return False
        return "healthy" in status.values() and "unhealthy" not in status.values()

    async def heal(self) -> None:
        """Wake what is stopped and return once everything is up; raises `NotHealedError`."""
        self.wake()
        if self._process is None:
            return
        try:
            await self._process.wait_until(self.is_whole, name="chatterroom up", deadline_s=_HEAL_S)
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

    def parts(self) -> dict[str, Part]:
        """Return what the supervisor last logged of each of its processes."""
        return {part.name: part for part in self._logged()}

    def _logged(self) -> Iterator[Part]:
        try:
            lines = (self._directory / "logs" / "up.log").read_text().splitlines()
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
    return kept | off | {"PYTHONPATH": paths}
