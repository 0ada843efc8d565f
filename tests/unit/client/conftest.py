"""A scripted server: real sockets, and every step decided by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.typing import Subprotocol

from chatterroom.client import Client, Session, Tokens
from chatterroom.core.ids import new_id

T = TypeVar("T")

ME, SOMEBODY, ROOM = new_id(), new_id(), new_id()
MOMENT = "2026-11-23T16:45:00.123Z"
PATIENCE_S = 10


async def soon(awaitable: Awaitable[T]) -> T:
    """Wait, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


def common(seq: int, conversation_id: str = ROOM) -> dict[str, Any]:
    return {
        "id": f"{conversation_id}-{seq:012d}",
        "conversation_id": conversation_id,
        "room_id": conversation_id,
        "seq": seq,
        "message_index": seq,
        "sender_id": SOMEBODY,
        "client_id": f"c{seq}",
        "created_at": MOMENT,
    }


class Peer:
    """The server's side of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.token = socket.request.headers["Authorization"]

    async def say(self, type_: str, **fields: Any) -> None:
        await self.socket.send(msgspec.json.encode({"type": type_, **fields}), text=True)

    async def hear(self) -> dict[str, Any]:
        return msgspec.json.decode(await soon(self.socket.recv()))

    async def open(self, **heads: int) -> dict[str, int]:
        """Say `ready`; return what is resumed."""
        await self.say(
            "ready",
            conversations=[{"conversation_id": id_, "seq": seq} for id_, seq in heads.items()],
        )
        command = await self.hear()
        assert command["type"] == "resume"
        return command["conversations"]

    async def go_live(self, **heads: int) -> dict[str, int]:
        resume = await self.open(**heads)
        await self.say("resumed")
        return resume

    async def tell(self, *seqs: int, conversation_id: str = ROOM, text: str = "") -> None:
        for seq in seqs:
            fields = common(seq, conversation_id)
            await self.say("message", message=text or f"{seq}", updated_at=MOMENT, **fields)

    async def acknowledge(self, command: dict[str, Any], seq: int) -> None:
        fields = common(seq) | {"client_id": command["client_id"], "ref": command["ref"]}
        await self.say("ack", duplicate=False, **fields)

    async def hang_up(self, code: int | None = None) -> None:
        if code is None:
            self.socket.transport.abort()
        else:
            await self.socket.close(code)


class Server:
    def __init__(self) -> None:
        self.port = 0
        self.refusals: list[tuple[HTTPStatus, dict[str, Any]]] = []
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def accepted(self) -> Peer:
        """Return the next connection."""
        return await soon(self._peers.get())

    async def handle(self, socket: ServerConnection) -> None:
        self._peers.put_nowait(Peer(socket))
        await socket.wait_closed()

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        assert request.path == f"/ws/chat?userId={ME}"
        if not self.refusals:
            return None
        status, told = self.refusals.pop(0)
        return socket.respond(status, msgspec.json.encode(told).decode())


class Wire:
    """A TCP relay that can fall silent without closing anything."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self._forwarding.set()
        for writer in self._writers:
            writer.transport.abort()

    def fall_silent(self) -> None:
        self._forwarding.clear()

    def speak_again(self) -> None:
        """Carry new connections again; those that fell silent stay so."""
        self._forwarding = asyncio.Event()
        self._forwarding.set()

    async def _connected(self, reader, writer) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, there_writer]
        await asyncio.gather(
            self._carry(reader, there_writer, self._forwarding),
            self._carry(there_reader, writer, self._forwarding),
        )

    async def _carry(self, reader, writer, forwarding: asyncio.Event) -> None:
        try:
            while data := await reader.read(65536):
                await forwarding.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()


class FakeHttp:
    """The calls that a session makes: renewals."""

    def __init__(self) -> None:
        self.renewals = 0
        self.failure: Exception | None = None

    async def call(self, method, path, answer, **kwargs: Any) -> Tokens:
        assert path == "/user-service/refresh"
        self.renewals += 1
        if self.failure is not None:
            raise self.failure
        return Tokens(f"t{self.renewals}", "r", ME, "s", 900)

    async def close(self) -> None:
        pass


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    async with serve(
        running.handle,
        "127.0.0.1",
        0,
        process_request=running.admit,
        subprotocols=[Subprotocol("chatterroom.v1")],
        compression=None,
        ping_interval=None,
        close_timeout=1,
        max_size=None,
    ) as listening:
        running.port = next(iter(listening.sockets)).getsockname()[1]
        yield running


@pytest.fixture
def http() -> FakeHttp:
    return FakeHttp()


@pytest.fixture
async def connect(server: Server, http: FakeHttp) -> AsyncIterator[Any]:
    sessions: list[Session] = []

    async def start(port: int | None = None, **options: Any) -> Session:
        client = Client(
            f"http://127.0.0.1:{port or server.port}", tokens=Tokens("t0", "r", ME, "s", 900)
        )
        await client.close()
        client._credentials._http = http
        session = client.session(**({"longest_delay_s": 0.05} | options))
        sessions.append(session)
        return await session.__aenter__()

    yield start
    for session in sessions:
        await session.close()


async def next_events(session: Session, number: int) -> list[Any]:
    return [await soon(anext(session)) for _ in range(number)]
