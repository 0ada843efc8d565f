"""A connection to Redis, for whoever needs one."""

from typing import Any

from redis.asyncio import Connection, Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from chatterroom.core.settings import SettingsError

__all__ = ["redis_client"]


def redis_client(url: str, setting: str, **options: Any) -> Redis:
    """Return a client that connects when it is used.

    Raises `SettingsError` naming `setting` for a wrong URL.
    """
    try:
        return Redis.from_url(url, connection_class=_Connection, **options)
    except ValueError:
        # What is wrong may be a part of the password.
        raise SettingsError(f"{setting} is wrong: it is no URL of a Redis server") from None


class _Connection(Connection):
    """A connection whose loss is a `ConnectionError`, also where redis-py calls it otherwise.

    On uvloop writing to a transport that a reset has just closed raises `RuntimeError`; where
    another task that uses the connection has just closed it, there is no stream to write to and
    an `AttributeError`. Either would end the task that holds the client.
    """

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except (RuntimeError, AttributeError) as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(str(error)) from error
