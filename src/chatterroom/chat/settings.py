"""What a chat service is told."""

from typing import Annotated

import msgspec

from chatterroom.core.settings import with_password
from chatterroom.process import ServiceSettings

__all__ = ["ChatSettings"]

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Rate = Annotated[float, msgspec.Meta(ge=0)]
Burst = Annotated[int, msgspec.Meta(ge=1)]
# The longest message has 32,000 bytes: less could never be sent.
ByteBurst = Annotated[int, msgspec.Meta(ge=65536)]
Hourly = Annotated[int, msgspec.Meta(ge=0)]


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
    max_kept_bytes: Annotated[int, msgspec.Meta(ge=1024 * 1024)] = 64 * 1024 * 1024
    """Memory for the newest entries of conversations, for those who come back."""
    user_messages_per_s: Rate = 20.0
    """New messages of one user; this and the following are counted by each instance. 0 is off."""
    user_messages_burst: Burst = 100
    user_message_bytes_per_s: Rate = 256 * 1024.0
    """Bytes of texts, of messages and edits, of one user."""
    user_message_bytes_burst: ByteBurst = 2 * 1024 * 1024
    user_changes_per_s: Rate = 10.0
    """Edits, deletions, reactions, pins, blocks and changes of rooms by one user."""
    user_changes_burst: Burst = 100
    user_marks_per_s: Rate = 10.0
    """Read and delivery marks of one user."""
    user_marks_burst: Burst = 100
    user_typing_per_s: Rate = 5.0
    """How often one user may say that they are typing; in each conversation once a second."""
    user_typing_burst: Burst = 10
    user_presence_per_s: Rate = 5.0
    """How often one user may ask who is online."""
    user_presence_burst: Burst = 50
    user_sockets_per_s: Rate = 5.0
    """Sockets that one user opens."""
    user_sockets_burst: Burst = 64
    user_resumed_bytes_per_s: Rate = 4 * 1024 * 1024.0
    """Bytes that resumes of one user send; over this rate they slow down."""
    user_resumed_bytes_burst: Annotated[int, msgspec.Meta(ge=1024 * 1024)] = 64 * 1024 * 1024
    user_rooms_per_hour: Hourly = 30
    """Rooms that one user creates; this and the following are counted over all instances."""
    user_added_per_hour: Hourly = 500
    """People whom one user adds to rooms, or invites to them."""
    user_added_to_per_hour: Hourly = 100
    """How often one user is added or invited to rooms, by whomever."""
    user_added_by_one_per_hour: Hourly = 30
    """How often one user is added or invited to rooms by the same other user."""
    user_first_messages_per_hour: Hourly = 60
    """Private chats that one user begins."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(
            self, "mongo_url", with_password(self.mongo_url, self.mongo_password)
        )
        msgspec.structs.force_setattr(
            self, "redis_url", with_password(self.redis_url, self.redis_password)
        )
