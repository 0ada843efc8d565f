import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

import grpc.aio
import pytest
import websockets
from grpc_health.v1 import health_pb2, health_pb2_grpc
from websockets.typing import Subprotocol

from chatterroom.auth.secrets import ensure_secrets, load_service_secret
from chatterroom.auth.token_keys import load_signing_key
from chatterroom.auth.tokens import TokenSigner
from chatterroom.chat.conversation import CreateRoom, PostMessage
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.chat.log import ConversationLog
from chatterroom.chat.main import serve
from chatterroom.chat.settings import ChatSettings
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core import times
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    RoomId,
    SessionId,
    UserId,
    new_id,
    private_conversation_id,
    room_conversation_id,
)
from chatterroom.engines.ports import free_port
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.identity import Caller, call_metadata
from chatterroom.sockets.server_picows import SocketSettings

ALICE, BOB, CAROL = (UserId(new_id()) for _ in range(3))


PATIENCE_S = 20.0
QUOTAS_OFF = {
    f"user_{name}_per_s": 0.0
    for name in ("messages", "message_bytes", "changes", "marks", "presence", "sockets")
} | {f"user_{name}_per_hour": 0 for name in ("rooms", "added", "added_to", "first_messages")}


def message_posted(conversation_id: ConversationId, seq: int) -> MessagePosted:
    """Return a message as it is stored at `seq`, where all before it are messages, too."""
    now = times.now()
    return MessagePosted(
        conversation_id=conversation_id,
        seq=seq,
        message_index=seq,
        sender_id=ALICE,
        client_id=ClientId(f"{seq}"),
        created_at=now,
        message=f"message {seq}",
        updated_at=now,
    )


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that is slow, since others use the machine too, is not storage that is away."""
    monkeypatch.setattr("chatterroom.chat.log.DEADLINE_S", PATIENCE_S)
    monkeypatch.setattr("chatterroom.chat.store_mongo._TIMEOUT_S", PATIENCE_S)


@pytest.fixture(autouse=True)
def no_ended_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no user service to send ended sessions: all are known, and there are none."""

    async def watch(balancer, credential, ended, heard):
        del balancer, credential, heard
        ended.complete()
        await asyncio.Event().wait()

    monkeypatch.setattr("chatterroom.chat.main.watch_sessions", watch)


class Instance:
    """One chat service as far as its log goes, and what it was told to fan out."""

    def __init__(self, store: ChatStore) -> None:
        self.store = store
        self.committed: list[Entry] = []
        self.log = ConversationLog(store, lambda _, entries: self.committed.extend(entries))


@asynccontextmanager
async def running_log(mongo_url: str) -> AsyncIterator[Instance]:
    async with ChatStore.connect(mongo_url) as store:
        await store.prepare()
        instance = Instance(store)
        task = asyncio.create_task(instance.log.run())
        yield instance
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
async def start(mongo_url: str) -> AsyncIterator[Callable[[], Awaitable[Instance]]]:
    async with AsyncExitStack() as stack:

        async def one_more() -> Instance:
            return await stack.enter_async_context(running_log(mongo_url))

        yield one_more


@pytest.fixture
async def instance(start: Callable[[], Awaitable[Instance]]) -> Instance:
    return await start()


@pytest.fixture
async def other(start: Callable[[], Awaitable[Instance]]) -> Instance:
    return await start()


def create_room(*members: UserId, creator: UserId = ALICE, client_id: str = "") -> CreateRoom:
    room = room_conversation_id(RoomId(new_id()))
    return CreateRoom(room, creator, ClientId(client_id or new_id()), "Tea", members)


def post(
    conversation: ConversationId, text: str = "hello", sender: UserId = ALICE, client_id: str = ""
) -> PostMessage:
    return PostMessage(conversation, sender, ClientId(client_id or new_id()), text)


def post_private(
    text: str = "hello", sender: UserId = ALICE, receiver: UserId = BOB, client_id: str = ""
) -> PostMessage:
    conversation = private_conversation_id(sender, receiver)
    return PostMessage(conversation, sender, ClientId(client_id or new_id()), text, receiver)


class Service:
    """A whole chat service in this process, on real engines, reached through its ports."""

    def __init__(self, grpc_port: int, websocket_port: int, secrets: Path) -> None:
        self.url = f"ws://127.0.0.1:{websocket_port}/ws/chat"
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}")
        self.stub = chat_pb2_grpc.ChatServiceStub(self.channel)
        self.stop = asyncio.Event()
        self.secrets = secrets
        self._credential = load_service_secret(secrets, "gateway").towards("chat")
        self._signer = TokenSigner(load_signing_key(secrets), 900)

    def metadata(self, user_id: UserId | None = None):
        return call_metadata(self._credential, Caller(user_id))

    def token(self, user_id: UserId, now: datetime | None = None) -> str:
        return self._signer.sign(user_id, SessionId(new_id()), now or times.now())

    async def create_room(self, creator: UserId, *members: UserId) -> str:
        request = chat_pb2.CreateRoomRequest(
            room_name="Tea", creator_id=creator, members_ids=members
        )
        answer = await self.stub.CreateRoom(request, metadata=self.metadata(creator))
        return answer.room_id

    async def add(self, room_id: str, actor: UserId, user_id: UserId) -> None:
        request = chat_pb2.AddUserToRoomRequest(room_id=room_id, user_id=user_id)
        await self.stub.AddUserToRoom(request, metadata=self.metadata(actor))

    async def leave(self, room_id: str, user_id: UserId) -> None:
        request = chat_pb2.LeaveRoomRequest(room_id=room_id, user_id=user_id)
        await self.stub.LeaveRoom(request, metadata=self.metadata(user_id))

    async def post(self, room_id: str, sender: UserId, text: str):
        request = chat_pb2.SendRoomMessageRequest(room_id=room_id, sender_id=sender, message=text)
        return await self.stub.SendRoomMessage(request, metadata=self.metadata(sender))

    def connect(self, user_id: UserId, room_id: str = "", *, simple: bool = False, token: str = ""):
        """Open a socket: `async with service.connect(...) as socket`."""
        room = f"&roomId={room_id}" if room_id else ""
        bearer = f"Bearer {token or self.token(user_id)}"
        return websockets.connect(
            f"{self.url}?userId={user_id}{room}",
            additional_headers={"Authorization": bearer},
            subprotocols=None if simple else [Subprotocol("chatterroom.v1")],
            max_queue=None,
            proxy=None,
        )


@asynccontextmanager
async def running_service(
    mongo_url: str, redis_url: str, secrets: Path, **quotas: float
) -> AsyncIterator[Service]:
    """Run a service; its quotas are off, but for those that are given."""
    service, serving = await _started(mongo_url, redis_url, secrets, quotas)
    yield service
    service.stop.set()
    await serving
    await service.channel.close()


async def _started(
    mongo_url: str, redis_url: str, secrets: Path, quotas: dict[str, float], attempts: int = 3
) -> tuple[Service, asyncio.Task[None]]:
    """Start on free ports; on others where somebody was faster to take them."""
    settings = ChatSettings(
        secrets_dir=str(secrets),
        discovery_url=f"127.0.0.1:{free_port()}",
        mongo_url=mongo_url,
        redis_url=redis_url,
        grpc_port=free_port(),
        websocket_port=free_port(),
        **(QUOTAS_OFF | quotas),
    )
    service = Service(settings.grpc_port, settings.websocket_port, secrets)
    serving = asyncio.create_task(serve(settings, SocketSettings(), service.stop))
    ready = asyncio.create_task(_until_serving(service))
    async with asyncio.timeout(20):
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        await ready
        return service, serving
    ready.cancel()
    await service.channel.close()
    if attempts == 1:
        await serving
    return await _started(mongo_url, redis_url, secrets, quotas, attempts - 1)


async def _until_serving(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    watching = health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    async for answer in watching:
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            break
    watching.cancel()


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    ensure_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


@pytest.fixture
async def service(mongo_url: str, redis_url: str, secrets_dir: Path) -> AsyncIterator[Service]:
    async with running_service(mongo_url, redis_url, secrets_dir) as running:
        yield running


@pytest.fixture
async def other_service(
    mongo_url: str, redis_url: str, secrets_dir: Path
) -> AsyncIterator[Service]:
    async with running_service(mongo_url, redis_url, secrets_dir) as running:
        yield running


async def receive(socket, type_: str | None = None, *, timeout_s: float = 10) -> dict:
    """Return the next event, or the next of a type."""
    async with asyncio.timeout(timeout_s):
        while True:
            event = json.loads(await socket.recv())
            if type_ is None or event["type"] == type_:
                return event


async def say(socket, **command) -> None:
    await socket.send(json.dumps(command))


async def resume(socket, **conversations: int) -> dict:
    """Take `ready`, resume, and return the `resumed` event."""
    await receive(socket, "ready")
    await say(socket, type="resume", conversations=conversations)
    return await receive(socket, "resumed")
