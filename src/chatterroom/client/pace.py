"""How fast one socket may send. Pure.

The server closes a socket that sends more than it allows; the client stays below that.
"""

__all__ = ["Pace"]


class Pace:
    """An allowance that is spent by sending and refills with time."""

    def __init__(self, per_s: float, burst: int, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._allowance = float(burst)
        self._refilled_at = now

    def delay(self, now: float) -> float:
        """Return how long to wait before something may be sent."""
        self._refill(now)
        return max(0.0, (1.0 - self._allowance) / self._per_s)

    def spend(self, now: float) -> None:
        """Take note that something is sent."""
        self._refill(now)
        self._allowance -= 1.0

    def _refill(self, now: float) -> None:
        refill = max(0.0, now - self._refilled_at) * self._per_s
        self._allowance = min(float(self._burst), self._allowance + refill)
        self._refilled_at = now
