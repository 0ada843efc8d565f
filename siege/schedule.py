"""When each attack goes on and when it rests. Pure: the same seed gives the same phases."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Phase", "phases"]

_LENGTH_S = (4.0, 12.0)
_REST_S = (1.0, 6.0)
_CLIMAX = (0.4, 0.6)
"""The part of the siege in which all attacks go on at once."""


@dataclass(frozen=True)
class Phase:
    """From when to when an attack goes on, in seconds since the siege began."""

    start_s: float
    end_s: float


def phases(seed: int, attack: str, seconds: float) -> Sequence[Phase]:
    """Plan one attack: random phases, in order and apart, one of which holds the climax."""
    chance = random.Random(f"{attack} {seed}")
    low_s, high_s = (seconds * part for part in _CLIMAX)
    planned: list[Phase] = []
    at_s = chance.uniform(0.0, _REST_S[1])
    while at_s < seconds:
        end_s = min(seconds, at_s + chance.uniform(*_LENGTH_S))
        planned.append(Phase(at_s, end_s))
        at_s = end_s + chance.uniform(*_REST_S)
    climax = Phase(low_s, high_s)
    apart = [each for each in planned if each.end_s < climax.start_s or each.start_s > climax.end_s]
    met = [each for each in planned if each not in apart]
    whole = Phase(
        min([climax.start_s, *(each.start_s for each in met)]),
        max([climax.end_s, *(each.end_s for each in met)]),
    )
    return sorted([*apart, whole], key=lambda each: each.start_s)
