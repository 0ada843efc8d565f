"""What answers about the platform itself hold. The OpenAPI document is made from these types."""

from typing import Annotated, Literal

from msgspec import Struct

from chatterroom.gateway.fields import example

__all__ = ["DiscoveryStatus", "GatewayStatus", "HealthWord", "Live", "Ready", "ServiceStatus"]

HealthWord = Literal["healthy", "unhealthy"]


class GatewayStatus(Struct):
    """The gateway, and the services as it sees them."""

    gateway: HealthWord
    uptime_seconds: Annotated[float, example(86400.5)]
    user_service: HealthWord
    chat_service: HealthWord


class DiscoveryStatus(Struct):
    """Service discovery."""

    status: Annotated[str, example("healthy")]
    db_status: Annotated[str, example("healthy")]
    uptime_seconds: Annotated[float, example(86400.5)]
    registered_services: Annotated[int, example(4)]


class ServiceStatus(Struct):
    """One service."""

    status: HealthWord


class Live(Struct):
    """The process serves."""

    status: Literal["ok"] = "ok"


class Ready(Struct):
    """Whether the gateway knows where the services are, and which sessions have ended."""

    ready: bool
    users: bool
    chat: bool
    sessions: bool
