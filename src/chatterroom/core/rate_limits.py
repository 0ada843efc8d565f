"""How often, and how many at a time, a key may do something. Pure: the caller passes the time.

A rate is a bucket that holds `burst` units and refills at a steady rate, kept as one number per
key (the generic cell rate algorithm). HTTP responses describe it in RateLimit headers
(draft-ietf-httpapi-ratelimit-headers-10).
"""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["BytesLimit", "ConnectionLimit", "Policy", "RateLimitUsage", "RateLimiter"]

_MAX_KEYS = 50_000
# Sums of floats may fall a hair short of a whole request.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Policy:
    """`burst` units at once, then `per_s` of them a second. A rate of 0 means no limit."""

    name: str
    per_s: float
    burst: int

    def described(self) -> str:
        """Return the policy as an item of RateLimit-Policy."""
        return f'"{self.name}";q={self.burst};w={ceil(self.burst / self.per_s)}'

    def exceeded(self, wait_s: float) -> ChatterRoomError:
        """Return the error for a key that must wait so long."""
        return ChatterRoomError(
            ErrorCode.RATE_LIMITED,
            f"You are over the limit “{self.name}”. Try again later.",
            retry_after_s=wait_s,
            policy=self.name,
        )


@dataclass(slots=True)
class RateLimitUsage:
    """What one request has spent, for the headers of its response."""

    policies: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return RateLimit-Policy and RateLimit, or nothing where nothing was counted."""
        if not self.policies:
            return ()
        return (
            (b"ratelimit-policy", ", ".join(self.policies).encode()),
            (b"ratelimit", ", ".join(self.left).encode()),
        )


class RateLimiter:
    """Counts one policy for many keys.

    Remembers 50,000 keys at least and twice as many at most; the ones that have been silent for
    longest are forgotten first.
    """

    def __init__(self, policy: Policy, max_keys: int = _MAX_KEYS) -> None:
        self.policy = policy
        self._max_keys = max_keys
        self._described = policy.described() if policy.per_s else ""
        self._interval_s = 1 / policy.per_s if policy.per_s else 0.0
        self._depth_s = self._interval_s * policy.burst
        # When a key's bucket will be full again: recently used keys, and those before them.
        self._full_at: dict[str, float] = {}
        self._older: dict[str, float] = {}

    def spend(
        self, key: str, now: float, usage: RateLimitUsage | None = None, cost: float = 1
    ) -> None:
        """Take `cost` units from the bucket of `key` and note it in `usage`.

        Raises RATE_LIMITED, and takes nothing, where fewer are left; `retry_after_s` says when
        they will be there. A cost above the whole burst is never allowed.
        """
        if not self._interval_s:
            return
        known = self._full_at.get(key)
        if known is None:
            known = self._older.get(key, 0.0)
        full_at = max(known, now) + self._interval_s * cost
        debt_s = full_at - now
        wait_s = debt_s - self._depth_s
        if wait_s > _TOLERANCE:
            self._note(debt_s - self._interval_s * cost, usage)
            raise self.policy.exceeded(wait_s)
        self._remember(key, full_at)
        self._note(debt_s, usage)

    def charge(self, key: str, now: float, cost: float) -> None:
        """Take what was used before its size was known, also more than is left.

        Until it has been refilled, `spend` refuses the key, also with a cost of 0.
        """
        if not self._interval_s:
            return
        known = self._full_at.get(key, self._older.get(key, 0.0))
        self._remember(key, max(known, now) + self._interval_s * cost)

    def refund(self, key: str, cost: float = 1) -> None:
        """Give back what was spent for something that did not happen."""
        for known in (self._full_at, self._older):
            if key in known:
                known[key] -= self._interval_s * cost
                return

    def remembered(self) -> int:
        """Return how many entries are kept."""
        return len(self._full_at) + len(self._older)

    def _remember(self, key: str, full_at: float) -> None:
        if len(self._full_at) >= self._max_keys and key not in self._full_at:
            self._older, self._full_at = self._full_at, {}
        self._full_at[key] = full_at

    def _note(self, debt_s: float, usage: RateLimitUsage | None) -> None:
        if usage is None:
            return
        remaining = max(0, int((self._depth_s - debt_s) / self._interval_s + _TOLERANCE))
        usage.policies.append(self._described)
        usage.left.append(f'"{self.policy.name}";r={remaining};t={ceil(debt_s)}')


class BytesLimit:
    """How many bytes a key may hold at a time. A limit of 0 is off."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._held: Counter[str] = Counter()

    def check(self, key: str, count: int = 1) -> None:
        """Raise RATE_LIMITED where `key` may not hold `count` more."""
        if self._most and self._held.get(key, 0) + count > self._most:
            raise ChatterRoomError(
                ErrorCode.RATE_LIMITED,
                f"You are over the limit “{self._name}”. "
                "Try again when earlier requests have finished.",
                retry_after_s=1.0,
                policy=self._name,
            )

    def add(self, key: str, count: int) -> bool:
        """Count `count` more, whatever the limit; say whether `key` is still within it."""
        self._held[key] += count
        return not self._most or self._held[key] <= self._most

    def give_back(self, key: str, count: int) -> None:
        """Count `count` less."""
        self._held[key] -= count
        if self._held[key] <= 0:
            del self._held[key]


class ConnectionLimit:
    """How many connections, or sockets, a key may hold at a time."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._held: Counter[str] = Counter()

    def check(self, key: str) -> None:
        """Raise RATE_LIMITED where `key` holds all it may. A limit of 0 never does."""
        if self._most and self._held[key] >= self._most:
            raise ChatterRoomError(
                ErrorCode.RATE_LIMITED,
                f"Too many open {self._name}. Close some and try again.",
                retry_after_s=5.0,
                policy=self._name,
            )

    def take(self, key: str) -> None:
        """Count one more."""
        self._held[key] += 1

    def give_back(self, key: str) -> None:
        """Count one less."""
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]
