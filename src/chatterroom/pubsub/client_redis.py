"""A connection to Redis, for whoever needs one."""

from typing import Any

from redis.asyncio import Redis

from chatterroom.core.settings import SettingsError

__all__ = ["redis_client"]


def redis_client(url: str, setting: str, **options: Any) -> Redis:
    """Return a client that connects when it is used.

    Raises `SettingsError` naming `setting` for a wrong URL.
    """
    try:
        return Redis.from_url(url, **options)
    except ValueError as error:
        raise SettingsError(f"{setting} is wrong: {error}") from None
