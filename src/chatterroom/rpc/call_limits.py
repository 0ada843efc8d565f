"""How much a gRPC server takes on: connections, and calls at a time of each kind of caller.

A call is counted before its request is read. Strangers, who may ask for health and reflection
only, have places of their own, and so have people: neither can use up those of services.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.rate_limits import ConnectionLimit
from chatterroom.rpc.identity import Caller

__all__ = ["CallLimits", "RpcSettings"]

Cap = Annotated[int, msgspec.Meta(ge=0)]

_ALL = "all"
_IDLE_MS = 600_000
_HANDSHAKE_MS = 5_000


class RpcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a gRPC server. 0 is off."""

    max_rpc_connections: Cap = 1024
    max_rpcs_per_connection: Cap = 2048
    max_rpcs_per_service: Cap = 4096
    """Calls at a time of all instances of one service."""
    max_rpcs_per_user: Cap = 8
    """Calls at a time of a person who comes with an access token."""
    max_rpcs_of_users: Cap = 64
    """The same of all of them together."""
    max_rpcs_of_strangers: Cap = 8
    """Health checks and reflection at a time, without a credential."""

    def options(self) -> tuple[tuple[str, int], ...]:
        """Return the options of a gRPC server that follow."""
        options = [
            ("grpc.max_connection_idle_ms", _IDLE_MS),
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ]
        if self.max_rpc_connections:
            options.append(("grpc.max_allowed_incoming_connections", self.max_rpc_connections))
        if self.max_rpcs_per_connection:
            options.append(("grpc.max_concurrent_streams", self.max_rpcs_per_connection))
        return tuple(options)


class CallLimits:
    """Counts the calls that a server works on."""

    def __init__(self, settings: RpcSettings) -> None:
        self._of_services = ConnectionLimit("calls", settings.max_rpcs_per_service)
        self._per_user = ConnectionLimit("calls", settings.max_rpcs_per_user)
        self._of_users = ConnectionLimit("calls", settings.max_rpcs_of_users)
        self._of_strangers = ConnectionLimit("calls", settings.max_rpcs_of_strangers)

    @contextmanager
    def counted(self, caller: Caller | None) -> Iterator[None]:
        """Count a call while it is worked on. Raises OVERLOADED where its caller has too many."""
        with ExitStack() as held:
            for limit, key in self._limits(caller):
                try:
                    limit.check(key)
                except ChatterRoomError as refused:
                    raise ChatterRoomError(
                        ErrorCode.OVERLOADED,
                        "Too many calls at a time. Try again in a moment.",
                        retry_after_s=refused.retry_after_s,
                    ) from None
                limit.take(key)
                held.callback(limit.give_back, key)
            yield

    def _limits(self, caller: Caller | None) -> tuple[tuple[ConnectionLimit, str], ...]:
        if caller is None:
            return ((self._of_strangers, _ALL),)
        if caller.service:
            return ((self._of_services, caller.service),)
        return ((self._per_user, caller.user_id or ""), (self._of_users, _ALL))
