"""What answers about blocked users hold. The OpenAPI document is made from these types."""

from msgspec import Struct

from chatterroom.gateway.fields import UserIdText

__all__ = ["Blocks"]


class Blocks(Struct):
    """Whom one has blocked."""

    user_ids: list[UserIdText]
