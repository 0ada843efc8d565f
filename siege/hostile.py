"""`python -m siege.hostile`: the attacks, in a process of their own, which yields to the others.

A plan comes on standard input. Events go to standard output as JSON lines: `phase`, while it goes
on, and one `tally` for each attack at the end.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable

import msgspec

from chatterroom.core import descriptors
from siege.front import Front, Target
from siege.schedule import phases
from siege.table import ATTACKS
from siege.tally import Tally

__all__ = ["Event", "PhaseChanged", "Plan", "Tallied"]

_NICE = 10
"""Attackers have machines of their own: on ours they get what the platform leaves."""


class Plan(msgspec.Struct, frozen=True):
    """Which attacks, against what, for how long."""

    target: Target
    attacks: list[str]
    seed: int
    seconds: float


class PhaseChanged(msgspec.Struct, frozen=True, tag="phase"):
    """An attack begins ("start") or pauses ("stop")."""

    attack: str
    event: str


class Tallied(msgspec.Struct, frozen=True, tag="tally"):
    """What an attack has sent altogether, and why it ended before its time, if it did."""

    attack: str
    tally: Tally
    error: str = ""


Event = PhaseChanged | Tallied


def main() -> int:
    """Run the plan to its end."""
    os.nice(_NICE)
    descriptors.raise_limit()
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    asyncio.run(_run(plan, _print))
    return 0


def _print(event: Event) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.buffer.flush()


async def _run(plan: Plan, tell: Callable[[Event], None]) -> None:
    began = time.monotonic()
    await asyncio.gather(*(_attack(name, plan, began, tell) for name in plan.attacks))


async def _attack(name: str, plan: Plan, began: float, tell: Callable[[Event], None]) -> None:
    front = Front(
        target=plan.target,
        chance=random.Random(f"{name} {plan.seed}"),
        phases=phases(plan.seed, name, plan.seconds),
        began=began,
        on_phase=lambda event: tell(PhaseChanged(name, event)),
    )
    error = ""
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + plan.seconds + 5):
            await ATTACKS[name].run(front)
    except Exception as failure:  # noqa: BLE001 -- the others go on, and the verdict knows
        error = str(failure) or type(failure).__name__
    tell(Tallied(name, front.tally, error))


if __name__ == "__main__":
    sys.exit(main())
