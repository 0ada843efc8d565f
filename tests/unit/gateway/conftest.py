"""A gateway with real uvicorn in front of real gRPC servers, whose answers tests decide.

`start` runs both for one test; a `World` is what it gives.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatterroom.auth.secrets import CALLED_SERVICES, KnownCredentials, ServiceSecret
from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenSigner, TokenVerifier
from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.core.times import now
from chatterroom.gateway.main import running_gateway
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.pb import (
    chat_pb2,
    chat_pb2_grpc,
    discovery_pb2,
    discovery_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.identity import Caller, Doorkeeper, current_caller
from chatterroom.rpc.server import RpcServer, serve_rpc

SECRET = ServiceSecret("a-secret-that-only-tests-know-of")
KNOWN = KnownCredentials({SECRET.towards(name).digest: "gateway" for name in CALLED_SERVICES})
MOMENT = "2026-11-23T16:45:00.123Z"


@dataclass(frozen=True)
class Heard:
    """A call that has reached a service."""

    method: str
    request: Any
    caller: Caller


class Service:
    """A service that answers with empty messages until a test says something else."""

    def __init__(self, descriptor: Any, add: Callable[..., None]) -> None:
        self.name = descriptor.full_name
        self.heard: list[Heard] = []
        self.answers: dict[str, Any] = {}
        self.aborts: dict[str, Any] = {}
        self.websocket_url = ""
        self._arrived = asyncio.Event()
        self.rpc: RpcServer | None = None
        self._descriptor = descriptor
        self._add = add
        self._running = AsyncExitStack()

    async def serve(self, port: int = 0) -> None:
        servicer = self._servicer()
        self.rpc = await self._running.enter_async_context(
            serve_rpc(
                "127.0.0.1",
                port,
                self.name,
                Doorkeeper(KNOWN, None),
                partial(self._add, servicer),
            )
        )
        await self.rpc.say_serving(True)

    async def stop(self) -> None:
        await self._running.aclose()

    @property
    def instance(self) -> Instance:
        assert self.rpc is not None
        return Instance(f"127.0.0.1:{self.rpc.port}", self.websocket_url)

    async def arrival(self, method: str) -> Heard:
        """Return the first call of a method, once there is one."""
        async with asyncio.timeout(10):
            while True:
                for one in self.heard:
                    if one.method == method:
                        return one
                await self._arrived.wait()
                self._arrived.clear()

    def only(self, method: str) -> Heard:
        [heard] = [one for one in self.heard if one.method == method]
        return heard

    def _servicer(self) -> Any:
        methods = {rpc.name: self._answering(rpc) for rpc in self._descriptor.methods}
        return type("Servicer", (), methods)()

    def _answering(self, rpc: Any) -> Any:
        async def answer(_self: Any, request: Any, context: Any) -> Any:
            self.heard.append(Heard(rpc.name, request, current_caller()))
            self._arrived.set()
            if rpc.name in self.aborts:
                await context.abort(self.aborts[rpc.name], "no idea")
            said = self.answers.get(rpc.name)
            if callable(said):
                said = said(request)
            if isinstance(said, Awaitable):
                said = await said
            if isinstance(said, Exception):
                raise said
            if said is not None:
                return said
            from google.protobuf import message_factory

            return message_factory.GetMessageClass(rpc.output_type)()

        return answer


class ChatService(Service):
    """Answers each send of a batch for itself: `answer_send` may be an error, or be awaitable."""

    def __init__(self) -> None:
        super().__init__(
            chat_pb2.DESCRIPTOR.services_by_name["ChatService"],
            chat_pb2_grpc.add_ChatServiceServicer_to_server,
        )
        self.answers["SendMessages"] = self._answer_sends
        self.answer_send: Callable[[chat_pb2.SendRequest], Any] = lambda send: (
            chat_pb2.SendRoomMessageResponse()
        )

    @property
    def batches(self) -> list[list[chat_pb2.SendRequest]]:
        return [list(one.request.sends) for one in self.heard if one.method == "SendMessages"]

    def only_send(self) -> chat_pb2.SendRequest:
        [[send]] = self.batches
        return send

    async def _answer_sends(
        self, request: chat_pb2.SendMessagesRequest
    ) -> chat_pb2.SendMessagesResponse:
        results = []
        for send in request.sends:
            said = self.answer_send(send)
            if isinstance(said, Awaitable):
                said = await said
            if isinstance(said, chat_pb2.SendError):
                results.append(chat_pb2.SendResult(error=said))
            else:
                results.append(chat_pb2.SendResult(sent=said))
        return chat_pb2.SendMessagesResponse(results=results)


@dataclass
class User:
    id: UserId
    session_id: SessionId
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class World:
    port: int
    users: list[Service]
    chats: list[ChatService]
    discovery: Service
    balancers: dict[str, Balancer]
    client: httpx.AsyncClient
    signer: TokenSigner
    verifier: TokenVerifier
    ada: User
    bob: User
    gateway: AsyncExitStack = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def user_service(self) -> Service:
        return self.users[0]

    @property
    def chat(self) -> ChatService:
        return self.chats[0]

    async def stop_gateway(self) -> None:
        await self.gateway.aclose()

    def a_user(self) -> User:
        return make_user(self.signer)


def make_user(signer: TokenSigner) -> User:
    user_id, session_id = UserId(new_id()), SessionId(new_id())
    return User(user_id, session_id, signer.sign(user_id, session_id, now()))


def user_service() -> Service:
    return Service(
        users_pb2.DESCRIPTOR.services_by_name["UserService"],
        users_pb2_grpc.add_UserServiceServicer_to_server,
    )


def discovery_service() -> Service:
    return Service(
        discovery_pb2.DESCRIPTOR.services_by_name["DiscoveryService"],
        discovery_pb2_grpc.add_DiscoveryServiceServicer_to_server,
    )


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    # The loop that the process runs on: its transports are not those of asyncio.
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


Start = Callable[..., Awaitable[World]]


@pytest.fixture
async def start(key: Ed25519PrivateKey) -> AsyncIterator[Start]:
    async with AsyncExitStack() as exits:

        async def start_world(
            users: int = 1,
            chats: int = 1,
            websocket_urls: tuple[str, ...] = (),
            sessions_known: bool = True,
            **given: Any,
        ) -> World:
            signer = TokenSigner(key, 900)
            verifier = TokenVerifier(VerificationKeys.of(key.public_key()))
            if sessions_known:
                verifier.ended.complete()
            user_services = [user_service() for _ in range(users)]
            chat_services = [ChatService() for _ in range(chats)]
            discovery = discovery_service()
            for service in (*user_services, *chat_services, discovery):
                await service.serve()
                exits.push_async_callback(service.stop)
            for service, url in zip(chat_services, websocket_urls, strict=False):
                service.websocket_url = url
            for service, url in zip(user_services, websocket_urls, strict=False):
                service.websocket_url = url
            balancers = {"users": Balancer(), "chat": Balancer()}
            balancers["users"].replace(service.instance for service in user_services)
            balancers["chat"].replace(service.instance for service in chat_services)
            settings = GatewaySettings(
                **{
                    "secrets_dir": "",
                    "port": 0,
                    "discovery_url": discovery.instance.service_url,
                    **given,
                }
            )
            gateway = await exits.enter_async_context(AsyncExitStack())
            port = await gateway.enter_async_context(
                running_gateway(settings, SECRET, verifier, balancers.__getitem__)
            )
            client = await exits.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
            )
            return World(
                port,
                user_services,
                chat_services,
                discovery,
                balancers,
                client,
                signer,
                verifier,
                make_user(signer),
                make_user(signer),
                gateway,
            )

        yield start_world


@pytest.fixture
async def world(start: Start) -> World:
    return await start()
