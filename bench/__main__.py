"""`python -m bench`: run the workloads, print the table, keep the results."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import w1_sends, w2_fanout, w3_rooms, w4_idle, w5_history, w6_storm, w7_lists
from bench.checking import VoidRunError
from bench.peers import measure as peers
from bench.platform import Platform
from bench.plot import draw
from bench.report import print_tables, write_markdown
from bench.results import Results, Row, describe_machine, load, save
from bench.scale import FULL, QUICK, Scale

__all__ = ["main"]

_RESULTS = Path(__file__).parent / "results"
_BUSY = 0.85
_ATTEMPTS = 2
_LOG_WIDTH = 150

Measure = Callable[[Scale], Iterator[Row]]


def main() -> int:
    """Do what the command line says."""
    arguments = _parse()
    # A log file has no width of its own.
    console = Console() if sys.stdout.isatty() else Console(width=_LOG_WIDTH)
    if arguments.command == "report":
        sys.stdout.write(write_markdown(load(arguments.results)))
        return 0
    scale = QUICK if arguments.quick else FULL
    only = set(filter(None, arguments.only.upper().split(",")))
    started = time.monotonic()
    results = Results(
        started_at=datetime.now(UTC),
        settings={"scale": scale.name, "peers": arguments.peers} | _settings(scale),
        machine=describe_machine(),
    )
    try:
        for title, measure in _plan(only, scale):
            _run(results, measure, scale, title, console)
        if arguments.peers and (not only or "PEERS" in only):
            for name, measure in peers.plan(results, console):
                _run(results, measure, scale, name, console)
    finally:
        results.took_s = time.monotonic() - started
        path = save(results, _RESULTS, "-quick" if arguments.quick else "")
        path.with_suffix(".svg").write_text(draw(results))
    print_tables(results, console)
    where = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    console.print(f"{results.took_s:.0f} s; {where} and its plot {path.with_suffix('.svg').name}")
    return 1 if any(row.void for row in results.rows) else 0


def _settings(scale: Scale) -> dict[str, str | float | bool | list[str | float]]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(scale).items()
    }


def _plan(only: set[str], scale: Scale) -> list[tuple[str, Measure]]:
    parts: list[tuple[str, str, Measure]] = [
        ("W1", "W1: private sends", w1_sends.run),
        ("W2", "W2: fan-out in one room", w2_fanout.run),
        *(
            ("W1 W2", f"W1, W2: our naive path, {variant}", partial(_run_naive, variant=variant))
            for variant in scale.naive
        ),
        ("W3", "W3: many rooms", w3_rooms.run),
        ("W4", "W4: idle connections", w4_idle.run),
        ("W5", "W5: history", w5_history.run),
        ("W6", "W6: storm", w6_storm.run),
        ("W7", "W7: lists", w7_lists.run),
    ]
    return [(title, run) for names, title, run in parts if not only or only & set(names.split())]


def _run_naive(scale: Scale, variant: str) -> Iterator[Row]:
    with Platform(variant) as platform:
        yield from w1_sends.run_on(platform, scale, f"naive ({variant})")
        yield from w2_fanout.run_on(platform, scale, f"naive ({variant})")


def _run(results: Results, measure: Measure, scale: Scale, title: str, console: Console) -> None:
    """Measure; a void run is tried once more, then told as void."""
    workload = title[:2] if title.startswith("W") else "peers"
    console.print(f"[bold]{title}[/bold]")
    for attempt in range(1, _ATTEMPTS + 1):
        rows: list[Row] = []
        try:
            for row in measure(scale):
                if row.generator is not None and row.generator > _BUSY:
                    row.void = f"the load generator used {row.generator:.0%} of its core"
                rows.append(row)
                console.print(f"  {_told(row)}", highlight=False)
            break
        except Exception as error:  # noqa: BLE001 -- the other workloads are still worth running
            reason = _reason(error)
            console.print(f"  void, attempt {attempt}: {reason}", style="red", markup=False)
            rows.append(Row(workload=workload, subject=title, case="", void=reason))
    results.rows += rows


def _reason(error: Exception) -> str:
    words = (str(error).strip() or "it failed").splitlines()[-1]
    return words if isinstance(error, VoidRunError) else f"{type(error).__name__}: {words}"


def _told(row: Row) -> str:
    rate = "" if row.rate is None else f"{row.rate:,.0f} {row.unit}"
    p50 = "" if row.p50_ms is None else f", p50 {row.p50_ms:.2f} ms, p99 {row.p99_ms:.2f} ms"
    further = "".join(f", {name} {value:.3g}" for name, value in row.details.items())
    return f"{row.subject}, {row.case}: {rate}{p50}{further}{' VOID' if row.void else ''}"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes, smaller, less exact")
    parser.add_argument("--only", default="", help="workloads, separated by commas: W1,W2,peers")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    commands = parser.add_subparsers(dest="command")
    report = commands.add_parser("report", help="print a run as Markdown")
    report.add_argument("results", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
