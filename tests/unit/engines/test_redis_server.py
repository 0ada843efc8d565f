import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from chatterroom.engines.redis_server import RedisServer


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(directory)
    await server.start()
    try:
        yield server
    finally:
        await server.process.kill()


async def test_a_started_redis_has_separate_databases(tmp_path):
    async with running(tmp_path) as server:
        async with Redis.from_url(server.url(0)) as users:
            await users.set("key", "value")
        async with Redis.from_url(server.url(1)) as discovery:
            assert await discovery.get("key") is None


async def test_data_survives_a_stop_and_a_start_on_the_same_directory(tmp_path):
    async with running(tmp_path) as server:
        async with Redis.from_url(server.url(1)) as client:
            await client.set("key", "value")
        await server.stop()
        assert server.process.exit_code == 0
        port = server.port
    async with running(tmp_path) as server:
        assert server.port == port
        async with Redis.from_url(server.url(1)) as client:
            assert await client.get("key") == b"value"


async def test_redis_starts_again_on_its_port_after_a_kill(tmp_path):
    async with running(tmp_path) as server:
        port = server.port
        os.kill(server.process.pid, signal.SIGKILL)
        await server.process.wait()
        await server.start()
        assert server.port == port
        async with Redis.from_url(server.url(0)) as client:
            assert await client.ping()


async def test_nobody_gets_in_without_the_password(tmp_path):
    async with running(tmp_path) as server:
        for url in (f"redis://{server.address}/0", f"redis://:wrong@{server.address}/0"):
            async with Redis.from_url(url) as stranger:
                with pytest.raises(AuthenticationError):
                    await stranger.ping()


async def test_the_password_is_for_the_owner_alone_and_not_in_the_command_line(tmp_path):
    async with running(tmp_path / "redis") as server:
        password = (tmp_path / "redis" / "secrets" / "password").read_text()
        for path in (tmp_path / "redis" / "secrets").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        arguments = Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert password not in arguments + server.process.log_path.read_text()
