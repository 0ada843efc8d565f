"""What a siege shows: what was sent, what was refused and by which rule, and the verdict."""

from collections.abc import Mapping

from bench.measures import Latency
from rich.console import Console
from rich.table import Table
from rich.text import Text

from siege.run import Result
from siege.table import ATTACKS
from siege.tally import Tally

__all__ = ["show"]

_RULES_SHOWN = 6
_MB = 1 << 20


def show(console: Console, result: Result, p99_s: float) -> None:
    """Print the attacks, the honest users, memory, and the verdict with its reasons."""
    outcome = result.outcome
    console.print(_attacks(outcome.tallies))
    console.print(_memory(result))
    console.print(
        f"honest users: {outcome.history.acked} sends acknowledged, "
        f"{sum(outcome.failures.values())} sends and reads failed, {result.reads} reads"
        f"{_list(' (first refused: ', result.retried_reads, ')')}, {result.reconnects} reconnects"
    )
    console.print(f"acknowledged before the siege: {_in_words(result.quiet_sending)}")
    console.print(f"acknowledged under siege: {_in_words(outcome.sending)}; bound {p99_s:g} s")
    console.print(f"delivered under siege: {_in_words(outcome.delivery)}; bound {p99_s:g} s")
    for reason in result.reasons:
        console.print(Text(reason, style="red"))
    passed = not result.reasons
    console.print(Text("passed" if passed else "failed", "bold green" if passed else "bold red"))


def _attacks(tallies: Mapping[str, Tally]) -> Table:
    table = Table("attack", "sent", "taken", "refused or cut off, by rule")
    for name in ATTACKS:
        if name in tallies:
            tally = tallies[name]
            refused = list(tally.refused.items())
            rules = [f"{rule} × {times}" for rule, times in refused[:_RULES_SHOWN]]
            if rest := sum(times for _, times in refused[_RULES_SHOWN:]):
                rules.append(f"others × {rest}")
            table.add_row(name, f"{tally.sent}", f"{tally.taken}", ", ".join(rules))
    return table


def _memory(result: Result) -> Table:
    table = Table("process", "cold, MB", "before, MB", "most, MB", "after, MB", "")
    for name, before in result.memory_before.items():
        after = result.memory_after.get(name, 0)
        table.add_row(
            name,
            f"{result.memory_cold.get(name, 0) / _MB:.0f}",
            f"{before / _MB:.0f}",
            f"{result.memory_most.get(name, 0) / _MB:.0f}",
            f"{after / _MB:.0f}",
            f"{after / before - 1:+.0%}" if before else "",
        )
    return table


def _in_words(latency: Latency | None) -> str:
    if latency is None:
        return "nothing"
    return (
        f"p50 {latency.p50_ms:.0f} ms, p99 {latency.p99_ms:.0f} ms, "
        f"most {latency.max_ms:.0f} ms of {latency.samples}"
    )


def _list(before: str, counts: Mapping[str, int], after: str) -> str:
    if not counts:
        return ""
    return before + ", ".join(f"{reason} × {times}" for reason, times in counts.items()) + after
