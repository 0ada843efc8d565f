"""Percentiles, and what processes have used: CPU time, memory."""

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

__all__ = ["Latency", "Usage", "latency_of", "memory_bytes", "slab_bytes", "usage_of"]


@dataclass(frozen=True)
class Latency:
    """In milliseconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    samples: int


def latency_of(seconds: Sequence[float]) -> Latency:
    """Summarise latencies; at least one."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return Latency(
        ordered[round(last * 0.50)] * 1000,
        ordered[round(last * 0.99)] * 1000,
        ordered[-1] * 1000,
        len(ordered),
    )


@dataclass(frozen=True)
class Usage:
    """CPU seconds of processes by pid, at a moment."""

    at: float
    cpu_s: Mapping[int, float]

    def since(self, earlier: "Usage") -> float:
        """Return the CPU seconds of all processes together in between."""
        return sum(self.cpu_s.values()) - sum(earlier.cpu_s.values())

    def busiest_since(self, earlier: "Usage") -> float:
        """Return which part of one core the busiest process has used in between."""
        span = self.at - earlier.at
        return max(
            (cpu_s - earlier.cpu_s.get(pid, 0.0)) / span for pid, cpu_s in self.cpu_s.items()
        )


def usage_of(processes: Iterable[psutil.Process]) -> Usage:
    """Read what processes have used so far."""
    cpu_s: dict[int, float] = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            cpu_s[process.pid] = times.user + times.system
    return Usage(time.monotonic(), cpu_s)


def memory_bytes(process: psutil.Process) -> tuple[int, int]:
    """Return resident and proportional memory."""
    full = process.memory_full_info()
    return full.rss, full.pss


def slab_bytes() -> int:
    """Return what the kernel keeps in its own objects, sockets among them."""
    return psutil.virtual_memory().slab
