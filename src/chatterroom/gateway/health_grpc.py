"""Asking services how they are, where a failure is an answer rather than an error."""

from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.backends_grpc import Health, Services
from chatterroom.gateway.status_bodies import DiscoveryStatus, HealthWord

__all__ = ["ask_discovery", "ask_health", "times_out"]

_DEADLINE_S = 1.0


async def ask_health(backend: Health) -> HealthWord:
    """Return what an instance of a service says of itself within a second."""
    try:
        answer = await backend.call(
            lambda stub: stub.Check,
            health_pb2.HealthCheckRequest(),
            safe_to_repeat=True,
            timeout_s=_DEADLINE_S,
        )
    except ChatterRoomError:
        return "unhealthy"
    serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    return "healthy" if serving else "unhealthy"


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
    services.refresh_slow_users()
    try:
        await services.slow_users.call(
            lambda stub: stub.Timeout, Empty(), safe_to_repeat=False, timeout_s=timeout_s
        )
    except ChatterRoomError as error:
        if error.code is ErrorCode.REQUEST_TIMED_OUT:
            return True
        raise
    return False
