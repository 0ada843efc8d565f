"""How often somebody may ask: per address, per user, per email. Pure: the caller passes the time.

Each policy is a bucket that holds `burst` requests and refills at a steady rate, kept as one
number per key (the generic cell rate algorithm). Answers tell of it in RateLimit headers
(draft-ietf-httpapi-ratelimit-headers-10).
"""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.answers import Header
from chatterroom.gateway.settings import GatewaySettings

__all__ = ["Cap", "Limits", "Meter", "Policy", "Tab"]

_MAX_KEYS = 50_000
# Sums of floats may fall a hair short of a whole request.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Policy:
    """`burst` requests at once, then `per_s` of them a second. A rate of 0 means no limit."""

    name: str
    per_s: float
    burst: int

    def described(self) -> str:
        """Return the policy as an item of RateLimit-Policy."""
        return f'"{self.name}";q={self.burst};w={ceil(self.burst / self.per_s)}'


@dataclass(slots=True)
class Tab:
    """What one request has spent, for its answer's headers."""

    policies: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def headers(self) -> tuple[Header, ...]:
        """Return RateLimit-Policy and RateLimit, or nothing where nothing was counted."""
        if not self.policies:
            return ()
        return (
            (b"ratelimit-policy", ", ".join(self.policies).encode()),
            (b"ratelimit", ", ".join(self.left).encode()),
        )


class Meter:
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

    def spend(self, key: str, now: float, tab: Tab) -> None:
        """Count a request of `key` and note it on the tab, or raise RATE_LIMITED."""
        if not self._interval_s:
            return
        known = self._full_at.get(key)
        if known is None:
            known = self._older.get(key, 0.0)
        full_at = max(known, now) + self._interval_s
        debt_s = full_at - now
        wait_s = debt_s - self._depth_s
        if wait_s > _TOLERANCE:
            self._note(debt_s - self._interval_s, tab)
            raise ChatterRoomError(
                ErrorCode.RATE_LIMITED,
                f"too many requests for the limit “{self.policy.name}”; try again later",
                retry_after_s=wait_s,
                policy=self.policy.name,
            )
        if len(self._full_at) >= self._max_keys and key not in self._full_at:
            self._older, self._full_at = self._full_at, {}
        self._full_at[key] = full_at
        self._note(debt_s, tab)

    def remembered(self) -> int:
        """Return how many entries are kept."""
        return len(self._full_at) + len(self._older)

    def _note(self, debt_s: float, tab: Tab) -> None:
        remaining = max(0, int((self._depth_s - debt_s) / self._interval_s + _TOLERANCE))
        tab.policies.append(self._described)
        tab.left.append(f'"{self.policy.name}";r={remaining};t={ceil(debt_s)}')


class Cap:
    """How many of something a key may hold at a time."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._held: Counter[str] = Counter()

    def check(self, key: str) -> None:
        """Raise RATE_LIMITED where `key` holds all it may. A cap of 0 never does."""
        if self._most and self._held[key] >= self._most:
            raise ChatterRoomError(
                ErrorCode.RATE_LIMITED,
                f"too many open sockets for this {self._name}; close some first",
                retry_after_s=5.0,
                policy=f"sockets per {self._name}",
            )

    def take(self, key: str) -> None:
        """Count one more."""
        self._held[key] += 1

    def give_back(self, key: str) -> None:
        """Count one less."""
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]


class Limits:
    """Every limit of one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        s = settings
        self.address = Meter(Policy("address", s.address_requests_per_s, s.address_burst))
        self.user = Meter(Policy("user", s.user_requests_per_s, s.user_burst))
        self.credentials = Meter(
            Policy("credentials", s.credentials_per_min / 60, s.credentials_burst)
        )
        self.email = Meter(Policy("email", s.email_attempts_per_min / 60, s.email_attempts_burst))
        self.address_handshakes = Meter(
            Policy("handshakes-per-address", s.address_handshakes_per_s, s.address_handshakes_burst)
        )
        self.user_handshakes = Meter(
            Policy("handshakes-per-user", s.user_handshakes_per_s, s.user_handshakes_burst)
        )
        self.sockets_per_address = Cap("address", s.max_sockets_per_address)
        self.sockets_per_user = Cap("user", s.max_sockets_per_user)
