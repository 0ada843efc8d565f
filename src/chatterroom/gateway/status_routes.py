"""How the platform is, over HTTP, for people and for those who watch over processes."""

import asyncio
from http import HTTPStatus

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway import status_bodies as bodies
from chatterroom.gateway.answers import Answer, json_answer
from chatterroom.gateway.endpoints import Access, Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Nothing
from chatterroom.gateway.health_grpc import ask_discovery, ask_health, times_out

__all__ = ["STATUS_ENDPOINTS"]

# Each of these requests holds a place for seconds.
_TIMEOUTS_AT_ONCE = 32


async def status(call: Call[None, Nothing], platform: Platform) -> bodies.GatewayStatus:
    """Get the state of the gateway and the services."""
    users, chat = await asyncio.gather(
        ask_health(platform.services.users), ask_health(platform.services.chat)
    )
    gateway: bodies.HealthWord = "healthy" if platform.verifier.ended.is_complete else "unhealthy"
    return bodies.GatewayStatus(gateway, platform.uptime_s(), users, chat)


async def discovery_status(call: Call[None, Nothing], platform: Platform) -> Answer:
    """Get the state of service discovery; 503 if it is unhealthy."""
    told = await ask_discovery(platform.services)
    well = told.status == "healthy"
    return json_answer(told, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


async def users_status(call: Call[None, Nothing], platform: Platform) -> bodies.ServiceStatus:
    """Get the state of the user service."""
    return bodies.ServiceStatus(await ask_health(platform.services.users))


async def chat_status(call: Call[None, Nothing], platform: Platform) -> bodies.ServiceStatus:
    """Get the state of the chat service."""
    return bodies.ServiceStatus(await ask_health(platform.services.chat))


async def timeout(call: Call[None, Nothing], platform: Platform) -> Answer:
    """Call the user service in a way that always times out: 504 when the deadline has passed."""
    if not await times_out(platform.services, platform.timeout_demo_s):
        raise ChatterRoomError(ErrorCode.INTERNAL, "the user service answered before the deadline")
    return json_answer(Done("Request timed out"), HTTPStatus.GATEWAY_TIMEOUT)


async def live(call: Call[None, Nothing], platform: Platform) -> bodies.Live:
    """Check that the gateway process is alive."""
    return bodies.Live()


async def ready(call: Call[None, Nothing], platform: Platform) -> Answer:
    """Check that both services have an instance and the ended sessions are known; 503 if not."""
    users = bool(platform.services.users.balancer.instances())
    chat = bool(platform.services.chat.balancer.instances())
    sessions = platform.verifier.ended.is_complete
    is_ready = users and chat and sessions
    return json_answer(
        bodies.Ready(is_ready, users, chat, sessions),
        HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


STATUS_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/status",
        handler=status,
        access=Access.OPEN,
        answer=bodies.GatewayStatus,
        is_health_check=True,
    ),
    Endpoint(
        method="GET",
        path="/discovery/status",
        handler=discovery_status,
        access=Access.OPEN,
        answer=bodies.DiscoveryStatus,
        other_answers={503: bodies.DiscoveryStatus},
        is_health_check=True,
    ),
    Endpoint(
        method="GET",
        path="/user-service/status",
        handler=users_status,
        access=Access.OPEN,
        answer=bodies.ServiceStatus,
        is_health_check=True,
    ),
    Endpoint(
        method="GET",
        path="/chat-service/status",
        handler=chat_status,
        access=Access.OPEN,
        answer=bodies.ServiceStatus,
        is_health_check=True,
    ),
    Endpoint(
        method="GET",
        path="/timeout",
        handler=timeout,
        access=Access.OPEN,
        answer=Done,
        other_answers={504: Done},
        concurrency=_TIMEOUTS_AT_ONCE,
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        handler=live,
        access=Access.FREE,
        answer=bodies.Live,
        is_health_check=True,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        handler=ready,
        access=Access.FREE,
        answer=bodies.Ready,
        other_answers={503: bodies.Ready},
        is_health_check=True,
    ),
)
