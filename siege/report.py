"""What a siege shows at its end."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from siege.judging import Result
from siege.tally import TAKEN

__all__ = ["show"]

_RULES_SHOWN = 4


def show(console: Console, result: Result) -> None:
    """Print what was sent and refused, what honest people felt, and the verdict."""
    table = Table("attack", "sent", "taken", "met by")
    for name, rules in result.attacks.items():
        met = sorted(
            ((n, rule) for rule, n in rules.items() if rule != TAKEN), key=lambda each: -each[0]
        )
        told = ", ".join(f"{rule} ×{n}" for n, rule in met[:_RULES_SHOWN])
        table.add_row(name, str(sum(rules.values())), str(rules.get(TAKEN, 0)), told)
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
