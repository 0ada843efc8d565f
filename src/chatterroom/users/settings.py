"""What the user service is told at start, beside the limits of its sockets."""

from typing import Annotated

import msgspec

from chatterroom.core.settings import with_password
from chatterroom.process import Port, ServiceSettings, split_urls

__all__ = ["UsersSettings"]

_DAY_S = 24 * 60 * 60


class UsersSettings(ServiceSettings, frozen=True, kw_only=True):
    """Every instance has the same databases and lifetimes."""

    mongo_url: str
    """MongoDB, with the name of the user service's own database."""
    mongo_password: str = ""
    """Put into `mongo_url`, so that it need not be in the environment."""
    redis_url: str
    """Carries alerts between instances."""
    redis_password: str = ""
    """Put into `redis_url`, so that it need not be in the environment."""
    grpc_port: Port = 0
    websocket_port: Port = 0
    access_token_lifetime_s: Annotated[int, msgspec.Meta(ge=1)] = 900
    refresh_token_lifetime_s: Annotated[int, msgspec.Meta(ge=1)] = 30 * _DAY_S
    """How long a session lasts without a refresh."""
    max_sessions_per_user: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    """How many sessions a user has at most: a login beyond ends the one seen least recently."""
    hashing_concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """How many passwords are hashed at a time; each takes a core and 19 MiB."""
    wrong_passwords: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """How many wrong passwords an account takes within `wrong_passwords_window_s`."""
    wrong_passwords_window_s: Annotated[float, msgspec.Meta(gt=0)] = 900.0
    emails_visible: bool = True
    """Whether users see each other's emails."""
    timeout_simulation_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 30.0
    """The longest that the RPC `Timeout` keeps a caller waiting."""
    allowed_origins: str = ""
    """Web origins that may open sockets besides our own, separated by commas."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(
            self, "mongo_url", with_password(self.mongo_url, self.mongo_password)
        )
        msgspec.structs.force_setattr(
            self, "redis_url", with_password(self.redis_url, self.redis_password)
        )

    @property
    def origins(self) -> frozenset[str]:
        """The allowed origins, split."""
        return frozenset(split_urls(self.allowed_origins))
