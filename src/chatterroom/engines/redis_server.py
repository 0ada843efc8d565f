"""A real redis-server as a child process, on loopback only, its data kept in one directory.

Nobody gets in without the password, which it is told by a file.
"""

from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.directory import EngineDirectory
from chatterroom.engines.engine import Engine
from chatterroom.engines.kept_secret import kept_secret
from chatterroom.engines.locate import locate_redis_server
from chatterroom.engines.ports import LOOPBACK

__all__ = ["RedisServer", "redis_url"]

_START_DEADLINE_S = 60.0
_CALL_TIMEOUT_S = 1.0
_DATABASES = 16
_PASSWORD = "password"  # noqa: S105 -- the name of a file  # nosec B105
_CONFIGURATION = "redis.conf"


class RedisServer(Engine):
    """One redis-server with databases 0 to 15.

    What was written is there again after a clean stop; a crash may lose the last second.
    """

    name = "redis"
    stop_deadline_s = 10.0

    def url(self, database_number: int) -> str:
        """Return the connection URL of one of the databases 0 to 15."""
        return redis_url(self._directory.path, self.address, database_number)

    def _locate(self) -> Path:
        return locate_redis_server()

    def _arguments(self, data: Path, port: int) -> list[str]:
        password = kept_secret(self._directory.secret_file(_PASSWORD))
        configuration = self._directory.secret_file(_CONFIGURATION)
        configuration.touch(0o600)
        configuration.write_text(f"requirepass {password}\n")
        return [
            str(configuration),
            *("--bind", LOOPBACK),
            *("--port", str(port)),
            *("--dir", str(data)),
            *("--databases", str(_DATABASES)),
            *("--appendonly", "yes"),
            *("--save", ""),
            *("--daemonize", "no"),
        ]

    async def _wait_usable(self, process: ChildProcess) -> None:
        client = Redis.from_url(
            self.url(0),
            socket_timeout=_CALL_TIMEOUT_S,
            socket_connect_timeout=_CALL_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        async with client:
            await process.wait_until(
                lambda: _answers(client), name=self.name, deadline_s=_START_DEADLINE_S
            )


def redis_url(directory: Path, address: str, database_number: int = 0) -> str:
    """Return the connection URL of the redis-server of a directory."""
    password = kept_secret(EngineDirectory(directory).secret_file(_PASSWORD))
    return f"redis://:{password}@{address}/{database_number}"


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisConnectionError, RedisTimeoutError):
        return False
