"""Asking services how they are, where a failure is an answer rather than an error."""

from typing import Any

from google.protobuf.empty_pb2 import Empty

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.backends_grpc import Services
from chatterroom.gateway.status_bodies import DiscoveryStatus, HealthWord
from chatterroom.rpc.backend import Backend

__all__ = ["ask_discovery", "ask_health", "times_out"]

_DEADLINE_S = 1.0


async def ask_health(backend: Backend[Any]) -> HealthWord:
    """Return what the instances of a service say of themselves within a second."""
    return "healthy" if await backend.is_serving() else "unhealthy"


async def ask_discovery(services: Services) -> DiscoveryStatus:
    """Return what discovery says of itself within a second."""
    try:
        answer = await services.discovery.call(
            lambda stub: stub.StatusCheck, Empty(), safe_to_repeat=True, timeout_s=_DEADLINE_S
        )
    except ChatterRoomError:
        return DiscoveryStatus("unhealthy", "unknown", 0.0, 0)
    return DiscoveryStatus(
        answer.status, answer.db_status, float(answer.uptime), int(answer.registered_services)
    )


async def times_out(services: Services, timeout_s: float) -> bool:
    """Ask the user service for an answer that does not come; say whether it did not.

    Raises SERVICE_UNAVAILABLE where the question cannot be put.
    """
    try:
        await services.users.call(
            lambda stub: stub.Timeout, Empty(), safe_to_repeat=False, timeout_s=timeout_s
        )
    except ChatterRoomError as error:
        if error.code is ErrorCode.REQUEST_TIMED_OUT:
            return True
        raise
    return False
