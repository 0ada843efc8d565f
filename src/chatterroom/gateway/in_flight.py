"""What requests and responses hold in memory, by address and by user.

Counted are the bodies of requests until they are answered, and what clients have not yet taken of
responses and relayed frames.
"""

from types import TracebackType
from typing import NamedTuple

from chatterroom.core.rate_limits import BytesLimit
from chatterroom.gateway.settings import GatewaySettings

__all__ = ["HOLDER", "Holder", "InFlight"]

# Scope key: lets the connection know who does not take a response.
HOLDER = "chatterroom.holder"


class Holder(NamedTuple):
    """Whose bytes are counted: an address as limits count it, and a user; empty where unknown."""

    counted_as: str
    user_id: str = ""


class InFlight:
    """Bytes in flight of everybody."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._of_address = BytesLimit(
            "bytes in flight per address", settings.max_bytes_in_flight_per_address
        )
        self._of_user = BytesLimit(
            "bytes in flight per user", settings.max_bytes_in_flight_per_user
        )

    def check(self, holder: Holder, count: int = 1) -> None:
        """Raise RATE_LIMITED where a holder may not have `count` more in flight."""
        if holder.counted_as:
            self._of_address.check(holder.counted_as, count)
        if holder.user_id:
            self._of_user.check(holder.user_id, count)

    def add(self, holder: Holder, count: int) -> bool:
        """Count `count` more, whatever the limits; say whether the holder is within them."""
        within = True
        if holder.counted_as:
            within = self._of_address.add(holder.counted_as, count)
        if holder.user_id:
            within = self._of_user.add(holder.user_id, count) and within
        return within

    def give_back(self, holder: Holder, count: int) -> None:
        """Count `count` less."""
        if holder.counted_as:
            self._of_address.give_back(holder.counted_as, count)
        if holder.user_id:
            self._of_user.give_back(holder.user_id, count)

    def holding(self, holder: Holder, count: int) -> "_Holding":
        """Hold `count` bytes for the length of a `with` block. Raises RATE_LIMITED on entering."""
        return _Holding(self, holder, count)


class _Holding:
    __slots__ = ("_count", "_holder", "_in_flight")

    def __init__(self, in_flight: InFlight, holder: Holder, count: int) -> None:
        self._in_flight = in_flight
        self._holder = holder
        self._count = count

    def __enter__(self) -> None:
        self._in_flight.check(self._holder, self._count)
        self._in_flight.add(self._holder, self._count)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._in_flight.give_back(self._holder, self._count)
