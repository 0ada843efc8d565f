"""What a siege shows at its end."""

from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from siege.judging import Result

__all__ = ["show"]

_RULES_SHOWN = 4


def show(console: Console, result: Result) -> None:
    """Print what was sent and refused, what honest people felt, and the verdict."""
    table = Table("attack", "sent", "taken", "met by")
    for name, tally in result.attacks.items():
        met = islice(tally.refused.items(), _RULES_SHOWN)
        told = ", ".join(f"{rule} ×{times}" for rule, times in met)
        table.add_row(name, str(tally.sent), str(tally.taken), told)
    console.print(table)
    memory = Table("process", "MiB before", "MiB in the end")
    for name, (before, after) in sorted(result.memory.items()):
        memory.add_row(name, f"{before / 2**20:.0f}", f"{after / 2**20:.0f}")
    console.print(memory)
    times = result.latency
    console.print(
        f"honest people: {result.acked} acknowledged, {result.refused} refused; "
        f"p50 {times.p50_s:.3f} s, p99 {times.p99_s:.3f} s, max {times.max_s:.3f} s"
    )
    for reason in result.reasons:
        console.print(Text(reason, style="red"))
    state = ("passed", "bold green") if result.passed else ("failed", "bold red")
    console.print(Text(*state))
