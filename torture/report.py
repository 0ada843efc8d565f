"""What a run shows: one line while it goes on, tables at the end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from torture.run import Progress, Result
from torture.timing import Recovery

__all__ = ["EXIT_STATUS", "figures", "progress_line", "show", "show_mutants"]

EXIT_STATUS = {"passed": 0, "failed": 1, "unknown": 2}
_STYLE = {"passed": "bold green", "failed": "bold red", "unknown": "bold yellow"}
_LINE_EVERY_S = 5.0
_FIGURES = {
    "lost": ("LOST_ACKED",),
    "phantom": ("PHANTOM",),
    "duplicated": ("DUPLICATE",),
    "reordered": ("ORDER", "REAL_TIME", "FIFO"),
    "gaps": ("GAP", "RESUME"),
    "stale": ("STALE",),
    "to strangers": ("NON_MEMBER",),
    "late": ("LIVENESS",),
    "wrong": ("STATE",),
    "crashed": ("CRASH",),
}


@contextmanager
def progress_line(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Yield what shows progress: a line that changes, or, off a terminal, one every 5 s."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda progress: live.update(Text(_line(progress)), refresh=True)
        return
    shown: tuple[str, float] = ("", 0.0)

    def print_some(progress: Progress) -> None:
        nonlocal shown
        phase, at_s = shown
        if progress.phase != phase or progress.elapsed_s - at_s >= _LINE_EVERY_S:
            shown = (progress.phase, progress.elapsed_s)
            sys.stdout.write(_line(progress) + "\n")
            sys.stdout.flush()

    yield print_some


def show(console: Console, result: Result) -> None:
    """Print the figures, the faults, the violations and the verdict."""
    verdict = result.verdict
    table = Table("acked", *_FIGURES, title=f"seed {result.seed}, {result.seconds:g} s")
    table.add_row(str(verdict.acked), *(str(count) for count in figures(result).values()))
    console.print(table)
    console.print(_fault_table(result.recoveries))
    console.print(
        f"{verdict.faults_in_flight} of {len(result.recoveries)} faults began while sends were "
        f"in flight; {result.deliveries} deliveries, {result.reconnects} reconnects"
    )
    changes = (f"{times} {kind}" for kind, times in sorted(result.changes.items()))
    console.print(f"of what was acknowledged: {', '.join(changes) or 'no changes'}")
    for violation in verdict.violations:
        where = ", ".join(violation.records)
        console.print(Text(f"{violation.check}: {violation.what} ({where})", style="red"))
    for reason in verdict.reasons:
        console.print(Text(reason, style="yellow"))
    console.print(Text(verdict.state, style=_STYLE[verdict.state]))


def show_mutants(console: Console, results: Sequence[tuple[str, str, Result]]) -> None:
    """Print which mutants were found, and by what."""
    table = Table("mutant", "what it does", "verdict", "acked", "found by")
    for name, what, result in results:
        counts = ", ".join(f"{check} {n}" for check, n in result.verdict.counts.items())
        state = Text(result.verdict.state, style=_STYLE[result.verdict.state])
        table.add_row(name, what, state, str(result.verdict.acked), counts)
    console.print(table)


def figures(result: Result) -> dict[str, int]:
    """Return the violations under the names that people use."""
    counts = result.verdict.counts
    return {name: sum(counts.get(each, 0) for each in of) for name, of in _FIGURES.items()}


def _fault_table(recoveries: Sequence[Recovery]) -> Table:
    table = Table("fault", "times", "away p50 s", "away max s", "felt p50 s", "felt max s")
    for kind in sorted({each.kind for each in recoveries}):
        of = [each for each in recoveries if each.kind == kind]
        away = [each.away_s for each in of if each.away_s is not None]
        felt = [each.felt_s for each in of if each.felt_s is not None]
        table.add_row(kind, str(len(of)), *_middle_and_most(away), *_middle_and_most(felt))
    return table


def _middle_and_most(seconds: Sequence[float]) -> tuple[str, str]:
    return (f"{median(seconds):.2f}", f"{max(seconds):.2f}") if seconds else ("", "")


def _line(progress: Progress) -> str:
    line = f"{progress.elapsed_s:6.0f} s  {progress.phase}"
    if progress.elapsed_s:
        line += (
            f"  acked {progress.acked}  faults {progress.faults}  reconnects {progress.reconnects}"
        )
    return f"{line}  {progress.latest_fault}".rstrip()
