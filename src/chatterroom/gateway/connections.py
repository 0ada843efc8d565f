"""Which connections a gateway takes, decided when they are accepted and before anything is read.

Connections are counted by address and in all. Connections that wait for a request make room for
new ones, the one that has waited longest first. Whoever comes above a limit gets a place in a
small reserve, where one request is answered: health checks as always, others with the refusal.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from chatterroom.core import descriptors
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.rate_limits import ConnectionLimit, Policy, RateLimiter
from chatterroom.gateway.addresses import ClientAddresses, counted_as, normalised
from chatterroom.gateway.settings import GatewaySettings

__all__ = ["Connections", "Place"]

log = structlog.get_logger()

# Each takes memory as well: ten to twenty kilobytes.
_SENSIBLE_CONNECTIONS = 100_000
_RESERVE_POLICY = Policy("reserve", per_s=20, burst=40)
_LOG_EVERY_S = 1.0


@dataclass(slots=True, eq=False)
class Place:
    """What one connection holds until it leaves."""

    counted: str
    """What its address is counted as; empty for a trusted proxy, whose address is not counted."""
    close: Callable[[], None] = field(repr=False)
    refusal: ChatterRoomError | None = None
    """Why it is in the reserve: what any request but a health check is answered with."""
    descriptors: int = 1


class Connections:
    """Every connection of clients to one gateway."""

    def __init__(self, settings: GatewaySettings, addresses: ClientAddresses) -> None:
        self._addresses = addresses
        self._per_address = ConnectionLimit(
            "connections per address", settings.max_connections_per_address
        )
        most = settings.max_connections
        if most is None:
            most = min(descriptors.left_for_connections(), _SENSIBLE_CONNECTIONS)
        self._most = most
        self._taken = 0
        # In both, the oldest is first.
        self._waiting: dict[Place, None] = {}
        self._reserved: dict[Place, None] = {}
        self._reserve = settings.reserved_connections
        self._reserve_rate = RateLimiter(_RESERVE_POLICY)
        self._refused = 0
        self._logged_at = 0.0

    def enter(self, peer: str, close: Callable[[], None]) -> Place | None:
        """Return the place of a new connection, which waits for a request; None: close it at once.

        `close` is called, once at most, where the connection has to make room for another.
        """
        address = normalised(peer)
        counted = counted_as(address)
        is_proxy = self._addresses.is_trusted(address)
        try:
            if not is_proxy:
                self._per_address.check(counted)
            self._require_room()
        except ChatterRoomError as refusal:
            return self._enter_reserve(counted, close, refusal)
        place = Place("" if is_proxy else counted, close)
        self._taken += 1
        if not is_proxy:
            self._per_address.take(counted)
        self.waits(place)
        return place

    def waits(self, place: Place) -> None:
        """Take note that a connection has no request under way, so that it can make room.

        Proxies keep connections for the requests of many, and are not asked to.
        """
        if place.counted and place.refusal is None and place.descriptors:
            self._waiting[place] = None

    def works(self, place: Place) -> None:
        """Take note that a request is under way."""
        self._waiting.pop(place, None)

    def take_second(self, place: Place) -> None:
        """Count a descriptor more for a connection that is relayed. Raises RATE_LIMITED."""
        self._require_room()
        self._taken += 1
        place.descriptors += 1

    def leave(self, place: Place) -> None:
        """Give a place back; harmless where it was given back before."""
        if place.refusal is not None:
            self._reserved.pop(place, None)
            return
        if not place.descriptors:
            return
        self._waiting.pop(place, None)
        self._taken -= place.descriptors
        place.descriptors = 0
        if place.counted:
            self._per_address.give_back(place.counted)

    def _require_room(self) -> None:
        if not self._most or self._taken < self._most:
            return
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            raise ChatterRoomError(
                ErrorCode.OVERLOADED,
                "The server has no room for more connections. Try again in a moment.",
                retry_after_s=5.0,
                policy="connections",
            )
        self.leave(oldest)
        oldest.close()

    def _enter_reserve(
        self, counted: str, close: Callable[[], None], refusal: ChatterRoomError
    ) -> Place | None:
        now = time.monotonic()
        self._log(refusal, now)
        if not self._reserve:
            return None
        try:
            self._reserve_rate.spend(counted, now)
        except ChatterRoomError:
            return None
        if len(self._reserved) >= self._reserve:
            oldest = next(iter(self._reserved))
            self.leave(oldest)
            oldest.close()
        place = Place(counted, close, refusal)
        self._reserved[place] = None
        return place

    def _log(self, refusal: ChatterRoomError, now: float) -> None:
        self._refused += 1
        if now - self._logged_at >= _LOG_EVERY_S:
            log.warning(
                "connections_refused",
                refused=self._refused,
                limit=refusal.data["policy"],
                taken=self._taken,
            )
            self._refused, self._logged_at = 0, now
