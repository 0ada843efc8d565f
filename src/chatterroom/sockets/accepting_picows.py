"""How many connections a WebSocket port takes, decided when they are accepted: nothing is read yet.

picows has no say in that, so its protocol is made here rather than by `ws_create_server`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from picows import WSAutoPingStrategy, WSUpgradeRequest, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]

__all__ = ["Accepted", "protocol_factory"]

log = structlog.get_logger()

_HANDSHAKE_S = 10
_LOG_EVERY_S = 1.0


class Accepted:
    """The connections of one port. `shaken_hands` is called for each that becomes a socket."""

    def __init__(self, max_connections: int, max_handshakes: int) -> None:
        self._max_connections = max_connections
        self._max_handshakes = max_handshakes
        self._connections = 0
        # The oldest is first.
        self._handshakes: dict[asyncio.Transport, None] = {}
        self._refused = 0
        self._logged_at = 0.0

    def enter(self, transport: asyncio.Transport) -> bool:
        """Count a new connection, or hang up where there are too many: then return False.

        Whoever has not shaken hands makes room for those who come after, the oldest first.
        """
        if self._max_connections and self._connections >= self._max_connections:
            transport.abort()
            self._log()
            return False
        self._connections += 1
        if self._max_handshakes and len(self._handshakes) >= self._max_handshakes:
            oldest = next(iter(self._handshakes))
            del self._handshakes[oldest]
            oldest.abort()
            self._log()
        self._handshakes[transport] = None
        return True

    def shaken_hands(self, transport: asyncio.Transport) -> None:
        """Take note that a connection is a socket now."""
        self._handshakes.pop(transport, None)

    def leave(self, transport: asyncio.Transport) -> None:
        """Count a connection no more."""
        self._connections -= 1
        self._handshakes.pop(transport, None)

    def _log(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_EVERY_S:
            log.warning(
                "connections_refused",
                refused=self._refused,
                connections=self._connections,
                handshakes=len(self._handshakes),
            )
            self._refused, self._logged_at = 0, now


class _Protocol(WSProtocol):  # type: ignore[misc]
    """A connection that is counted."""

    __slots__ = ("_accepted", "_is_counted")

    def __init__(self, accepted: Accepted, *settings: Any) -> None:
        super().__init__(*settings)
        self._accepted = accepted
        self._is_counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._is_counted = self._accepted.enter(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_counted:
            self._accepted.leave(self.transport.underlying_transport)
        super().connection_lost(exc)


def protocol_factory(
    accepted: Accepted,
    upgrade: Callable[[WSUpgradeRequest], WSUpgradeResponseWithListener],
    logger: Any,
    *,
    max_frame_bytes: int,
    read_buffer_bytes: int,
) -> Callable[[], asyncio.BaseProtocol]:
    """Return what makes the protocol of a new connection."""
    # A ping is a sign of life, so it must come to us; picows pings with a task a connection.
    pings_by_itself, answers_pings_itself = False, False

    def make() -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = _Protocol(
            accepted,
            None,
            None,
            False,
            upgrade,
            logger,
            True,
            _HANDSHAKE_S,
            pings_by_itself,
            0,
            0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            answers_pings_itself,
            max_frame_bytes,
            None,
            read_buffer_bytes,
        )
        return protocol

    return make
