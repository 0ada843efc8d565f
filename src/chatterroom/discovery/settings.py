"""What the service discovery is told at start."""

from typing import Annotated

import msgspec

from chatterroom.core.settings import with_password
from chatterroom.process import Port, ServiceSettings

__all__ = ["DiscoverySettings"]


class DiscoverySettings(ServiceSettings, frozen=True, kw_only=True):
    """Every instance of discovery has the same `redis_url` and the same `lease_s`."""

    redis_url: str
    """The database that holds the registry, and nothing else."""
    redis_password: str = ""
    """Put into `redis_url`, so that it need not be in the environment."""
    grpc_port: Port = 50050
    lease_s: Annotated[float, msgspec.Meta(ge=0.1, le=300)] = 6.0
    """How long an instance stays listed without a heartbeat."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(
            self, "redis_url", with_password(self.redis_url, self.redis_password)
        )
