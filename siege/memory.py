"""What processes hold in memory, and which of them hold more than before."""

import contextlib
from collections.abc import Mapping

import psutil
from bench.measures import memory_bytes
from torture.running import RunningPlatform

__all__ = ["grown", "held_bytes"]

_SLACK_BYTES = 8 * 1024 * 1024
"""A small process may grow by so much: a fifth of it is no more than noise."""


def held_bytes(platform: RunningPlatform) -> dict[str, int]:
    """Return the proportional memory (PSS) of each process by name."""
    held: dict[str, int] = {}
    for name, part in platform.parts().items():
        if part.pid is not None:
            with contextlib.suppress(psutil.Error):
                held[name] = memory_bytes(psutil.Process(part.pid))[1]
    return held


def grown(before: Mapping[str, int], after: Mapping[str, int], growth: float) -> dict[str, float]:
    """Return the processes that hold more than before by a larger part than `growth`.

    One that is not there any more is not among them: that is found otherwise.
    """
    return {
        name: after[name] / held - 1
        for name, held in before.items()
        if name in after and after[name] - held > max(held * growth, _SLACK_BYTES)
    }
