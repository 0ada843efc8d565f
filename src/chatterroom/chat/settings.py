"""What a chat service is told."""

from typing import Annotated

import msgspec

from chatterroom.core.settings import with_password
from chatterroom.process import ServiceSettings

__all__ = ["ChatSettings"]

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class ChatSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the chat service; see docs/configuration.md."""

    mongo_url: str
    """MongoDB, a replica set, with the name of the chat service's own database."""
    mongo_password: str = ""
    """Put into `mongo_url`, so that it need not be in the environment."""
    redis_url: str
    """Redis for hints between instances and for who is connected."""
    redis_password: str = ""
    """Put into `redis_url`, so that it need not be in the environment."""
    grpc_port: Port = 0
    websocket_port: Port = 0
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    """How long clients get to connect elsewhere when this instance stops."""
    allowed_origins: str = ""
    """Origins, separated by commas, that may open sockets beside the page's own."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(
            self, "mongo_url", with_password(self.mongo_url, self.mongo_password)
        )
        msgspec.structs.force_setattr(
            self, "redis_url", with_password(self.redis_url, self.redis_password)
        )
