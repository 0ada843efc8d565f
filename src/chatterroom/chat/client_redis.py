"""The chat service's connection to Redis."""

from typing import Any

from redis.asyncio import Redis

from chatterroom.core.settings import SettingsError

__all__ = ["redis_client"]


def redis_client(url: str, **options: Any) -> Redis:
    """Return a client that connects when it is used. Raises `SettingsError` for a wrong URL."""
    try:
        return Redis.from_url(url, **options)
    except ValueError as error:
        raise SettingsError(f"CHATTERROOM_CHAT_REDIS_URL is wrong: {error}") from None
