"""Django Channels on uvicorn with its Redis layer: receivers join a group, all is sent to it."""

# Runs in an environment of its own, whose packages ours does not know.
# mypy: ignore-errors

import sys
from typing import Any

import uvicorn
from django.conf import settings

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [("127.0.0.1", int(sys.argv[2]))]},
        }
    },
    ALLOWED_HOSTS=["*"],
)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402


class Consumer(AsyncWebsocketConsumer):
    """One socket."""

    async def connect(self) -> None:
        """Let receivers into the group."""
        if b"role=receiver" in self.scope["query_string"]:
            await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Tell the group."""
        del bytes_data
        await self.channel_layer.group_send("room", {"type": "chat.message", "text": text_data})

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Pass on what the group hears."""
        await self.send(text_data=event["text"])


if __name__ == "__main__":
    uvicorn.run(
        ProtocolTypeRouter({"websocket": Consumer.as_asgi()}),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
    )
