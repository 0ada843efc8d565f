"""What a siege must leave unharmed, judged from what was taken down. Pure."""

from collections.abc import Iterable, Mapping

import msgspec
from torture.checker import Verdict
from torture.records import Record, Send

from siege.tally import Tally

__all__ = ["GROWTH", "Latency", "Result", "latency", "reasons_against"]

GROWTH = 1.2
"""How much more memory than before a process may hold in the end."""
_SLACK_BYTES = 8 * 1024 * 1024
"""Of which a small process may grow, whatever its size: an allocator gives back whole arenas."""
_NS = 1_000_000_000


class Latency(msgspec.Struct, frozen=True):
    """From the first attempt to the acknowledgement, retries included, in seconds."""

    p50_s: float
    p99_s: float
    max_s: float


class Result(msgspec.Struct, frozen=True):
    """What came out of a siege."""

    seed: int
    seconds: float
    passed: bool
    reasons: list[str]
    latency: Latency
    acked: int
    refused: int
    """Sends of honest people that were refused for good."""
    memory: dict[str, tuple[int, int]]
    """Bytes of each process before and in the end."""
    attacks: dict[str, Tally]
    verdict: Verdict


def latency(records: Iterable[Record]) -> tuple[Latency, int]:
    """Return how long honest sends took, and how many were refused."""
    begun: dict[str, int] = {}
    took: dict[str, float] = {}
    refused = 0
    for record in sorted((each for each in records if isinstance(each, Send)), key=lambda r: r.t):
        match record.event:
            case "invoke":
                begun.setdefault(record.client_id, record.t)
            case "ok":
                took.setdefault(record.client_id, (record.t - begun[record.client_id]) / _NS)
            case "fail" if record.action == "message":
                refused += 1
    ordered = sorted(took.values()) or [0.0]
    return Latency(_at(ordered, 0.5), _at(ordered, 0.99), ordered[-1]), refused


def reasons_against(
    *,
    verdict: Verdict,
    times: Latency,
    p99_bound_s: float,
    refused: int,
    unanswered: int,
    memory: Mapping[str, tuple[int, int]],
) -> list[str]:
    """Return what speaks against the platform; nothing where it stood the siege."""
    found = [f"{each.check}: {each.what}" for each in verdict.violations]
    if verdict.state == "unknown":
        found += verdict.reasons
    if refused:
        found.append(f"{refused} sends of honest people were refused")
    if unanswered:
        found.append(f"{unanswered} honest people still waited for an answer at the end")
    if times.p99_s > p99_bound_s:
        found.append(f"p99 of honest sends was {times.p99_s:.2f} s, above {p99_bound_s:g} s")
    for process, (before, after) in memory.items():
        if has_grown(before, after):
            found.append(f"{process} holds {after >> 20} MiB, and held {before >> 20} before")
    return found


def has_grown(before: int, after: int) -> bool:
    """Say whether a process holds more than it may."""
    return after > max(before * GROWTH, before + _SLACK_BYTES)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
