"""What a run found out, and where it was run."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil

from bench.measures import Latency

__all__ = ["Machine", "Results", "Row", "describe_machine", "load", "save"]

_PACKAGES = (
    "chatterroom", "grpcio", "msgspec", "picows", "pymongo", "redis", "starlette", "uvicorn",
    "uvloop",
)  # fmt: skip


class Row(msgspec.Struct, kw_only=True):
    """One measurement. What was not measured is None; a `void` one counts for nothing."""

    workload: str
    subject: str
    case: str
    unit: str = ""
    rate: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    cpu_us: float | None = None
    """CPU of all of the subject's processes, databases included, for one unit."""
    generator: float | None = None
    """Which part of its core the busiest process of the load generator used."""
    details: dict[str, float] = {}
    void: str = ""

    def with_latency(self, latency: Latency) -> "Row":
        """Return it with percentiles."""
        return msgspec.structs.replace(
            self, p50_ms=latency.p50_ms, p99_ms=latency.p99_ms, max_ms=latency.max_ms
        )


class Machine(msgspec.Struct, kw_only=True):
    """Where it ran, and with what."""

    cores: int
    memory_gb: float
    cpu: str
    system: str
    load_before: float
    commit: str
    versions: dict[str, str]


class Results(msgspec.Struct, kw_only=True):
    """One run."""

    started_at: datetime
    took_s: float = 0.0
    settings: dict[str, str | float | bool | list[str | float]]
    machine: Machine
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    """What could not be run here, and why."""


def describe_machine() -> Machine:
    """Look at the machine, the repository and what is installed."""
    return Machine(
        cores=os.cpu_count() or 0,
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        cpu=_cpu_model(),
        system=platform.platform(),
        load_before=os.getloadavg()[0],
        commit=_commit(),
        versions={"python": platform.python_version(), **_versions()},
    )


def save(results: Results, directory: Path, suffix: str = "") -> Path:
    """Write a run to a file of its own; return the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{results.started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}{suffix}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    return path


def load(path: Path) -> Results:
    """Read a run again."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
