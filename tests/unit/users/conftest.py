"""The inside of real user services, started on free ports, and what tests do with them."""

import asyncio
import gc
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc.aio
import msgspec
import pytest
import websockets
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatterroom.auth.secrets import ensure_secrets, load_service_secret
from chatterroom.engines.mongod import Mongod
from chatterroom.engines.ports import free_port
from chatterroom.engines.redis_server import RedisServer
from chatterroom.pb import users_pb2 as pb
from chatterroom.pb import users_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, Caller, call_metadata
from chatterroom.sockets.server_picows import SocketSettings
from chatterroom.users.main import serve
from chatterroom.users.settings import UsersSettings

DEADLINE_S = 20.0
PASSWORD = "correct horse battery"


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.02)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    return wait_until


@pytest.fixture
def code_of():
    """Return the code of the error that a call raises."""

    async def code(call):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        known = error_from(caught.value)
        assert known is not None, caught.value
        return known.code

    return code


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    ensure_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


class _Acting:
    """A stub whose calls carry the same metadata."""

    def __init__(self, stub, metadata):
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name):
        return partial(getattr(self._stub, name), metadata=self._metadata)


@dataclass
class Users:
    settings: UsersSettings
    channel: grpc.aio.Channel
    serving: asyncio.Task[None]
    stopping: asyncio.Event

    def acting_for(self, user_id=None, session_id=None) -> Any:
        secret = load_service_secret(self.settings.secrets_path, "gateway")
        metadata = call_metadata(secret.towards("users"), Caller(user_id, session_id))
        return _Acting(users_pb2_grpc.UserServiceStub(self.channel), metadata)

    def with_token(self, token: str) -> Any:
        metadata = (("authorization", f"Bearer {token}"),)
        return _Acting(users_pb2_grpc.UserServiceStub(self.channel), metadata)

    @property
    def stub(self) -> Any:
        return self.acting_for(SERVICE.user_id)

    async def register(self, username="alice", password=PASSWORD, email=None) -> str:
        request = pb.RegisterUserRequest(
            username=username, password=password, email=email or f"{username}@example.org"
        )
        return (await self.stub.RegisterUser(request)).user_id

    async def log_in(self, username="alice", password=PASSWORD, device="phone", address="::1"):
        return await self.stub.LoginUser(
            pb.LoginUserRequest(
                email=f"{username}@example.org", password=password, device=device, address=address
            )
        )

    async def health(self) -> int:
        stub = health_pb2_grpc.HealthStub(self.channel)
        request = health_pb2.HealthCheckRequest(service="chatterroom.users.v1.UserService")
        return (await stub.Check(request)).status

    async def is_serving(self) -> bool:
        return await self.health() == health_pb2.HealthCheckResponse.SERVING

    def alert_url(self, user_id: str, path="/ws/alert") -> str:
        return f"ws://127.0.0.1:{self.settings.websocket_port}{path}?userId={user_id}"

    @asynccontextmanager
    async def alert_socket(self, login) -> AsyncIterator["AlertClient"]:
        headers = {"Authorization": f"Bearer {login.token}"}
        async with websockets.connect(
            self.alert_url(login.user_id), additional_headers=headers
        ) as socket:
            client = AlertClient(socket)
            assert await client.event() == {"type": "ready", "session_id": login.session_id}
            yield client

    async def stop(self) -> None:
        self.stopping.set()
        await self.serving


@dataclass
class AlertClient:
    socket: websockets.ClientConnection

    async def event(self):
        async with asyncio.timeout(DEADLINE_S):
            return msgspec.json.decode(await self.socket.recv())

    async def ask(self, command):
        await self.socket.send(msgspec.json.encode(command).decode())
        return await self.event()

    async def hears_nothing(self) -> None:
        """Say that nothing was sent before the answer to a ping that is sent now."""
        assert await self.ask({"type": "ping", "ref": "end"}) == {"type": "pong", "ref": "end"}


@pytest.fixture
async def start_users(secrets_dir: Path, mongo_url: str, redis_url: str):
    async with AsyncExitStack() as stack:

        async def start(*, ready: bool = True, **changes) -> Users:
            settings = UsersSettings(
                **{
                    "secrets_dir": str(secrets_dir),
                    "mongo_url": mongo_url,
                    "redis_url": redis_url,
                    "discovery_url": f"127.0.0.1:{free_port()}",
                    "grpc_port": free_port(),
                    "websocket_port": free_port(),
                    **changes,
                }
            )
            users = await stack.enter_async_context(_running(settings))
            if ready:
                await wait_until(users.is_serving)
            return users

        yield start


@asynccontextmanager
async def _running(settings: UsersSettings) -> AsyncIterator[Users]:
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, SocketSettings(), stopping))
    async with open_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        await channel.channel_ready()
        yield Users(settings, channel, serving, stopping)
        stopping.set()
        await serving


@pytest.fixture
async def users(start_users) -> Users:
    return await start_users()


@pytest.fixture
def pymongo_may_leak() -> Iterator[None]:
    """For tests that close a client while it tries to connect: PyMongo forgets that socket.

    Ask for it before `start_users`, so that it ends after the services.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
async def own_mongod(tmp_path: Path, pymongo_may_leak: None) -> AsyncIterator[Mongod]:
    """A mongod that a test may kill and start again. Ask for it before `start_users`."""
    del pymongo_may_leak
    engine = Mongod(tmp_path / "own-mongod", cache_gb=0.25)
    await engine.start()
    yield engine
    await engine.process.kill()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A redis-server that a test may kill and start again."""
    engine = RedisServer(tmp_path / "own-redis")
    await engine.start()
    yield engine
    await engine.process.kill()
