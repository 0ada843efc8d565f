"""Which faults happen when. Pure: the same seed gives the same plan."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torture.links import LINK_FAULTS, LINKED

__all__ = ["HONEST", "REPLICATED", "Mix", "Planned", "only", "plan"]

KILL, STOP, FLUSH, UNPLUG = "kill", "stop", "flush", "unplug"
STEP_DOWN, LOSE, ROLL = "step-down", "lose", "roll"
"""What is done to the members of a replica set, besides killing and stopping them."""
PRIMARY, SECONDARY = "primary", "secondary"
LINK = "-link"
"""What names of links end in: mongod-link is the way of the services to mongod."""

_LOST_S = 10.0


@dataclass(frozen=True)
class Planned:
    """A fault to inject at `at_s`: what to do to which process or link, and for how long."""

    at_s: float
    kind: str
    target: str
    length_s: float = 0.0


@dataclass(frozen=True)
class Mix:
    """Which faults are drawn, as (kind, target, weight), and how far they are apart."""

    faults: Sequence[tuple[str, str, int]]
    pause_s: tuple[float, float]
    first_s: float = 1.5
    together: float = 0.2
    """How often another one follows at once."""
    stop_s: tuple[float, float] = (1.0, 4.0)


def only(mix: Mix, names: Sequence[str]) -> Mix:
    """Keep the faults that are named like "kill chat", each as often as the others."""
    known = {f"{kind} {target}" for kind, target, _ in mix.faults}
    if unknown := set(names) - known:
        raise ValueError(f"no such fault: {sorted(unknown)}; there are {sorted(known)}")
    return replace(mix, faults=[(*_split(name), 1) for name in names])


def _split(name: str) -> tuple[str, str]:
    kind, target = name.split(" ")
    return kind, target


HONEST = Mix(
    faults=(
        (KILL, "chat", 4),
        (KILL, "mongod", 3),
        (KILL, "gateway", 2),
        (KILL, "redis", 2),
        (KILL, "users", 1),
        (KILL, "discovery", 1),
        (STOP, "chat", 2),
        (STOP, "mongod", 2),
        (STOP, "redis", 1),
        (STOP, "gateway", 1),
        (FLUSH, "redis", 1),
        *((fault, f"{end}{LINK}", 1) for end in LINKED for fault in LINK_FAULTS),
        (UNPLUG, "everything", 1),
    ),
    pause_s=(2.0, 6.0),
)


REPLICATED = replace(
    HONEST,
    faults=(
        *(fault for fault in HONEST.faults if fault[1] != "mongod"),
        (KILL, PRIMARY, 3),
        (KILL, SECONDARY, 2),
        (STOP, PRIMARY, 2),
        (STOP, SECONDARY, 1),
        (STEP_DOWN, PRIMARY, 2),
        (LOSE, "majority", 2),
        (ROLL, "mongods", 1),
        *((fault, f"{PRIMARY}{LINK}", 1) for fault in LINK_FAULTS),
    ),
)
"""The same on a replica set of several mongods, whose members fail one by one."""


def plan(seed: int, mix: Mix, duration_s: float) -> list[Planned]:
    """Plan the faults of a run. Every kind comes once before one of them comes again too often:
    they are drawn like cards, and the deck is shuffled anew when it is empty."""
    chance = random.Random(f"faults {seed}")
    cards = _cards(chance, mix)
    planned: list[Planned] = []
    at_s = mix.first_s
    while at_s < duration_s:
        kind, target = next(cards)
        length_s = _LOST_S if kind == LOSE else 0.0
        if _lasts(kind, target):
            length_s = chance.uniform(*mix.stop_s)
        planned.append(Planned(at_s, kind, target, length_s))
        if chance.random() >= mix.together:
            at_s += chance.uniform(*mix.pause_s)
    return planned


def _lasts(kind: str, target: str) -> bool:
    """Say whether it ends after a while by itself: a member that is killed stays away so long."""
    killed_member = kind == KILL and target in {PRIMARY, SECONDARY}
    return kind == STOP or kind in LINK_FAULTS or killed_member


def _cards(chance: random.Random, mix: Mix) -> Iterator[tuple[str, str]]:
    while True:
        deck = [(kind, target) for kind, target, weight in mix.faults for _ in range(weight)]
        chance.shuffle(deck)
        yield from deck
