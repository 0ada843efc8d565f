"""Real discovery processes' insides, started on free ports, and a stub to call them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from chatterroom.auth.secrets import (
    CALLING_SERVICES,
    ensure_secrets,
    load_service_secret,
)
from chatterroom.discovery.main import serve
from chatterroom.discovery.settings import DiscoverySettings
from chatterroom.engines.ports import free_port
from chatterroom.engines.redis_server import RedisServer
from chatterroom.pb import discovery_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

DEADLINE_S = 15.0


@dataclass
class Discovery:
    url: str
    stubs: dict[str, Any]
    """One for each service, which shows that service's credential."""
    channel: grpc.aio.Channel
    serving: asyncio.Task[None]
    stopping: asyncio.Event

    @property
    def stub(self) -> Any:
        return self.stubs["chat"]

    async def stop(self) -> None:
        self.stopping.set()
        await self.serving


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not await condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    ensure_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


@pytest.fixture
def service_metadata(secrets_dir: Path):
    return {
        service: call_metadata(
            load_service_secret(secrets_dir, service).towards("discovery"), SERVICE
        )
        for service in CALLING_SERVICES
    }


class _WithCredential:
    """A stub whose calls carry the service credential."""

    def __init__(self, stub, metadata):
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name):
        return partial(getattr(self._stub, name), metadata=self._metadata)


@pytest.fixture
async def start_discovery(secrets_dir: Path, service_metadata):
    async with AsyncExitStack() as stack:

        async def start(redis_url: str, lease_s: float = 6.0) -> Discovery:
            return await stack.enter_async_context(
                _running(secrets_dir, redis_url, lease_s, service_metadata)
            )

        yield start


@asynccontextmanager
async def _running(
    secrets_dir: Path, redis_url: str, lease_s: float, metadata
) -> AsyncIterator[Discovery]:
    port = free_port()
    settings = DiscoverySettings(
        secrets_dir=str(secrets_dir), redis_url=redis_url, grpc_port=port, lease_s=lease_s
    )
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, stopping))
    url = f"127.0.0.1:{port}"
    async with open_channel(url) as channel:
        await channel.channel_ready()
        stub = discovery_pb2_grpc.DiscoveryServiceStub(channel)
        stubs = {service: _WithCredential(stub, shown) for service, shown in metadata.items()}
        yield Discovery(url, stubs, channel, serving, stopping)
        stopping.set()
        await serving


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A redis-server that a test may kill and start again."""
    server = RedisServer(tmp_path / "own-redis")
    await server.start()
    yield server
    await server.process.kill()
