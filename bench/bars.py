"""The bars of a run: what was aimed for, and what came out."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.results import Results, Row

__all__ = ["Bar", "bars_of"]


@dataclass(frozen=True)
class Bar:
    """One aim. `value` is None where it was not measured, or the measurement is void."""

    name: str
    aim: str
    value: float | None
    reached: bool | None

    @property
    def verdict(self) -> str:
        """In one word."""
        return {None: "not measured", True: "reached", False: "missed"}[self.reached]


def bars_of(results: Results) -> list[Bar]:
    """Compare a run with its bars. Ratios are of rows of the same run."""

    def find(workload: str, subject: str, case: str) -> Row | None:
        for row in results.rows:
            same = (row.workload, row.subject) == (workload, subject)
            if same and case in row.case and not row.void:
                return row
        return None

    ours = "ChatterRoom"
    http = find("W1", ours, "HTTP, 64 in flight")
    beside = find("W1", ours, "beside bare inserts")
    fanout = find("W2", ours, "1,000 receivers, direct, 400 ahead")
    idle = find("W4", ours, "direct")
    longest = max(
        (row for row in results.rows if not row.void and row.workload == "W5"),
        key=lambda row: row.details.get("p99_over_short", 0.0),
        default=None,
    )
    list_ = max(
        (row for row in results.rows if not row.void and row.workload == "W7"),
        key=lambda row: row.details.get("p99_over_100", 0.0),
        default=None,
    )
    storm = find("W6", ours, "clients")
    return [
        _at_least("W2, 1,000 receivers, persisted: deliveries/s", 400_000, _rate(fanout)),
        *(
            _at_least(
                f"W1, HTTP, 64 in flight, over our naive path ({variant})",
                3,
                _over(http, find("W1", f"naive ({variant})", "HTTP, 64 in flight")),
            )
            for variant in ("concurrent", "serial")
        ),
        _at_most(
            "W1, socket, one in flight, p50 over a bare insert",
            2,
            _detail(beside, "p50_over_bare_insert"),
        ),
        _at_most("W4, KB of our memory per idle connection", 11, _detail(idle, "rss_kb")),
        _at_most("W5, p99 long over short", 1.3, _detail(longest, "p99_over_short")),
        _at_most("W7, p99 of long lists over those of 100", 2, _detail(list_, "p99_over_100")),
        _at_most("W6, seconds until all hold all", 10, _detail(storm, "s_until_100")),
        _at_most("W6, reads of the log a room", 2, _detail(storm, "log_reads_per_room")),
    ]


def _rate(row: Row | None) -> float | None:
    return None if row is None else row.rate


def _detail(row: Row | None, name: str) -> float | None:
    return None if row is None else row.details.get(name)


def _over(row: Row | None, other: Row | None) -> float | None:
    if row is None or other is None or not row.rate or not other.rate:
        return None
    return row.rate / other.rate


def _at_least(name: str, bar: float, value: float | None) -> Bar:
    return _bar(name, f"≥ {bar:,g}", value, lambda number: number >= bar)


def _at_most(name: str, bar: float, value: float | None) -> Bar:
    return _bar(name, f"≤ {bar:,g}", value, lambda number: number <= bar)


def _bar(name: str, aim: str, value: float | None, reached: Callable[[float], bool]) -> Bar:
    return Bar(name, aim, value, None if value is None else reached(value))
