"""Whether honest users were safe, and if not, why. Pure."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from bench.measures import Latency
from torture.checker import Verdict

from siege.front import Attack
from siege.tally import Tally

__all__ = ["Outcome", "reasons"]


class Outcome(msgspec.Struct, frozen=True):
    """What a siege has left behind."""

    history: Verdict
    failures: dict[str, int]
    """Sends and reads of honest users that did not succeed, by reason."""
    sending: Latency | None
    delivery: Latency | None
    deaths: list[tuple[str, int]]
    is_whole: bool
    """Whether every process was up and healthy in the end."""
    grown: dict[str, float]
    """Processes whose memory did not come back, and by which part of what they had they grew."""
    tallies: dict[str, Tally]
    broken_attacks: dict[str, str]
    """Attacks that ended before their time, and why: what they would have shown is not known."""


def reasons(
    outcome: Outcome, attacks: Mapping[str, Attack], *, p99_s: float, any_strength: bool = False
) -> Sequence[str]:
    """Return why the siege is not passed; nothing if it is.

    With `any_strength` attacks may be too weak to meet their limit, as on a busy machine.
    """
    weak = [] if any_strength else _weak(outcome.tallies, attacks)
    return [*_harm(outcome, p99_s), *weak, *_succeeded(outcome.tallies, attacks)]


def _harm(outcome: Outcome, p99_s: float) -> Iterator[str]:
    for reason, times in outcome.failures.items():
        yield f"{times} times an honest user failed: {reason}"
    for violation in outcome.history.violations:
        yield f"{violation.check}: {violation.what}"
    yield from outcome.history.reasons
    yield from _slow("acknowledged", outcome.sending, p99_s)
    yield from _slow("delivered", outcome.delivery, p99_s)
    for process, exit_code in outcome.deaths:
        yield f"{process} ended with {exit_code}"
    if not outcome.is_whole:
        yield "not every process was up and healthy in the end"
    for process, growth in outcome.grown.items():
        yield f"{process} holds {growth:.0%} more memory than before"
    for attack, error in outcome.broken_attacks.items():
        yield f"the attack {attack} ended before its time: {error}"


def _slow(what: str, latency: Latency | None, p99_s: float) -> Iterator[str]:
    if latency is None:
        yield f"nothing was {what}"
    elif latency.p99_ms > p99_s * 1000:
        yield f"p99 until {what} was {latency.p99_ms / 1000:.2f} s, more than {p99_s:g} s"


def _weak(tallies: Mapping[str, Tally], attacks: Mapping[str, Attack]) -> Iterator[str]:
    """Yield which attacks were weaker than they should be, or not held off by their rule."""
    for name, tally in tallies.items():
        attack = attacks[name]
        if not tally.sent:
            yield f"the attack {name} sent nothing"
        elif not any(attack.met_by in rule for rule in tally.rules):
            yield f"the attack {name} was never met by the rule {attack.met_by!r}"


def _succeeded(tallies: Mapping[str, Tally], attacks: Mapping[str, Attack]) -> Iterator[str]:
    for name, tally in tallies.items():
        attack = attacks[name]
        if tally.taken and not attack.may_succeed:
            yield f"the attack {name} succeeded {tally.taken} times"
