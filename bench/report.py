"""A run as tables: for the terminal, and in Markdown for docs/performance.md."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from bench.bars import bars_of
from bench.results import Results, Row

__all__ = ["print_tables", "write_markdown"]

_FURTHER = "further"
_COLUMNS = (
    "workload", "who", "case", "rate", "p50 ms", "p99 ms", "max ms", "CPU µs each", "generator",
    _FURTHER,
)  # fmt: skip
_BARS = ("bar", "aim", "came out", "")


def print_tables(results: Results, console: Console) -> None:
    """Print rows, bars and what was left out."""
    for title, columns, cells in _tables(results):
        # What does not fit was printed while it ran, and is in the results.
        shown = [column for column in columns if column != _FURTHER]
        table = Table(title=title, title_justify="left")
        for column in shown:
            table.add_column(column, overflow="ellipsis", no_wrap=column not in {"case", "bar"})
        for row in cells:
            table.add_row(*row[: len(shown)])
        console.print(table)
    for name, reason in results.skipped.items():
        console.print(f"left out: {name}: {reason}")


def write_markdown(results: Results) -> str:
    """Return the same as Markdown."""
    machine = results.machine
    where = (
        f"{results.started_at:%Y-%m-%d}, commit `{machine.commit}`, {machine.cores} cores "
        f"({machine.cpu}), {machine.memory_gb:g} GB, Python {machine.versions['python']}, "
        f"load before the run {machine.load_before:.1f}, scale `{results.settings['scale']}`."
    )
    lines = [where, ""]
    for _, columns, cells in _tables(results):
        lines += [_line(columns), _line(["---"] * len(columns)), *map(_line, cells), ""]
    lines += [f"- {name} was left out: {reason}" for name, reason in results.skipped.items()]
    return "\n".join(lines)


def _tables(results: Results) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    yield "What was measured", _COLUMNS, [_cells(row) for row in results.rows]
    bars = [
        [bar.name, bar.aim, "" if bar.value is None else f"{bar.value:,.3g}", bar.verdict]
        for bar in bars_of(results)
    ]
    yield "Bars", _BARS, [[*bar[:2], _plain(bar[2]), bar[3]] for bar in bars]


def _cells(row: Row) -> list[str]:
    if row.void:
        case = f"{row.case}: {row.void}" if row.case else row.void
        return [row.workload, row.subject, case[:160], "void", *[""] * 6]
    rate = "" if row.rate is None else f"{_short(row.rate)} {row.unit}"
    return [
        row.workload,
        row.subject,
        row.case,
        rate,
        _number(row.p50_ms, _short),
        _number(row.p99_ms, _short),
        _number(row.max_ms, _short),
        _number(row.cpu_us, _short),
        _number(row.generator, lambda share: f"{share:.0%}"),
        ", ".join(
            f"{name.replace('_', ' ')} {_short(value)}" for name, value in row.details.items()
        ),
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plain(text: str) -> str:
    return f"{float(text.replace(',', '')):,g}" if text else text


def _number(value: float | None, form: Callable[[float], str]) -> str:
    return "" if value is None else form(value)


def _short(value: float) -> str:
    """Three digits say all that a noisy machine can."""
    if value == 0:
        return "0"
    return f"{float(f'{value:.3g}'):,g}" if value < 1e6 else f"{float(f'{value:.3g}'):,.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
