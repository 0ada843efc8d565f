"""How long to wait before another attempt. Pure."""

import random

__all__ = ["Backoff", "full_jitter"]

# 2.0 ** 64 seconds is beyond every cap, and far from the largest float.
_MAX_DOUBLINGS = 64


def full_jitter(attempt: int, base_s: float, cap_s: float) -> float:
    """Return a random delay between 0 and a bound that doubles with each attempt, up to a cap."""
    return random.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, _MAX_DOUBLINGS)))


class Backoff:
    """Delays that grow with every failure until `reset`."""

    def __init__(self, base_s: float, cap_s: float) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._attempt = 0

    def next_delay(self) -> float:
        """Count a failure and return how long to wait."""
        delay = full_jitter(self._attempt, self._base_s, self._cap_s)
        self._attempt += 1
        return delay

    def reset(self) -> None:
        """Begin again with short delays."""
        self._attempt = 0
