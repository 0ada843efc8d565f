"""Two of a kind that differ in size, measured so that the one can be compared with the other."""

from collections.abc import Sequence

from bench.caller import Answers, Caller, Connect, InFlight, Steady
from bench.doors import Door
from bench.measures import latency_of, usage_of
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.workers import Worker

__all__ = ["compare"]

_IN_FLIGHT = 16
_CONNECTIONS = 64
_OPEN_SPANS = 4


def compare(
    platform: Platform, scale: Scale, doors: Sequence[Door], rows: Sequence[Row], small: str
) -> list[Row]:
    """Fill in the rows of the small one and the large one: rates in turn, latencies at the same
    time. The row of the large one has how they compare."""
    workers = [Worker(Caller) for _ in doors]
    try:
        for worker, door, row in zip(workers, doors, rows, strict=True):
            worker.ask(Connect(door, _IN_FLIGHT))
            worker.ask(InFlight(_IN_FLIGHT, 0.5))
            before = platform.usage(), usage_of([worker.process])
            answers: Answers = worker.ask(InFlight(_IN_FLIGHT, scale.closed_s / 2))
            after = platform.usage(), usage_of([worker.process])
            row.unit = "pages/s"
            row.rate = answers.rate
            row.cpu_us = after[0].since(before[0]) / len(answers.latencies) * 1e6
            row.generator = after[1].busiest_since(before[1])
        # Both at once: what disturbs a machine for a moment decides a p99, and would be taken
        # for a difference between the two if it met one of them alone.
        rate = min(row.rate or 0 for row in rows) / 2 / len(workers)
        for worker, door in zip(workers, doors, strict=True):
            # Again: the gateway closes connections that were idle while the other was measured.
            worker.ask(Connect(door, _CONNECTIONS))
        for worker in workers:
            worker.tell(Steady(rate, _OPEN_SPANS * scale.open_s))
        little, much = (latency_of(worker.answer().latencies) for worker in workers)
        measured = [row.with_latency(each) for row, each in zip(rows, (little, much), strict=True)]
        measured[1].details[f"p99_over_{small}"] = much.p99_ms / little.p99_ms
        measured[1].details[f"p50_over_{small}"] = much.p50_ms / little.p50_ms
        return measured
    finally:
        for worker in workers:
            worker.stop()
