import asyncio
import socket as kernel
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial

import pytest
import websockets
from websockets.frames import Frame, Opcode

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.sockets.frames import CloseCode, text_frame
from chatterroom.sockets.handshake import Handshake
from chatterroom.sockets.server_picows import Socket, SocketSettings, serve_sockets

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)

# So much may wait for readers of one user.
ROOMY = {"max_outbox_bytes": 100_000_000, "max_outbox_bytes_per_user": 0}


class Recorder:
    def __init__(self) -> None:
        self.socket: Socket | None = None
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.user_id = UserId("somebody")

    def connected(self, socket: Socket) -> None:
        self.socket = socket

    def received(self, text: bytes) -> None:
        self.texts.put_nowait(text)

    def disconnected(self) -> None:
        assert not self.gone.is_set()
        self.gone.set()


class Server:
    def __init__(self, port: int, sessions: list[Recorder]) -> None:
        self.port = port
        self.sessions = sessions

    @property
    def only(self) -> Recorder:
        (session,) = self.sessions
        return session

    @property
    def socket(self) -> Socket:
        assert self.only.socket is not None
        return self.only.socket

    def connect(self) -> websockets.connect:
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}/", proxy=None, ping_interval=None, max_size=None
        )

    async def is_gone(self) -> None:
        async with asyncio.timeout(10):
            await self.only.gone.wait()


@asynccontextmanager
async def serve(**settings: float) -> AsyncIterator[Server]:
    sessions: list[Recorder] = []

    def accept(_: Handshake) -> Recorder:
        sessions.append(Recorder())
        return sessions[-1]

    async with serve_sockets("127.0.0.1", 0, SocketSettings(**settings), accept) as port:
        yield Server(port, sessions)


class Keeping:
    """A server whose sessions are `Keeper`s, and clients that do not read."""

    def __init__(self, port: int, sessions: list["Keeper"], users: list[str]) -> None:
        self._port = port
        self._sessions = sessions
        self._users = users
        self._clients: list[kernel.socket] = []

    @property
    def common(self):
        assert self._sessions[0].socket is not None
        return self._sessions[0].socket._common

    async def open(self, count: int, user: str = "somebody") -> list["Keeper"]:
        loop = asyncio.get_running_loop()
        already = len(self._sessions)
        for _ in range(count):
            self._users.append(user)
            client = kernel.socket()
            self._clients.append(client)
            client.setsockopt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self._port))
            await loop.sock_sendall(client, HANDSHAKE)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += await loop.sock_recv(client, 1)
        return self._sessions[already:]

    async def send(self, at: int, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._clients[at], data)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def keeping() -> Callable[..., AbstractAsyncContextManager[Keeping]]:
    @asynccontextmanager
    async def run(**settings: float) -> AsyncIterator[Keeping]:
        sessions: list[Keeper] = []
        users: list[str] = []

        def accept(_: Handshake) -> Keeper:
            sessions.append(Keeper(users[-1]))
            return sessions[-1]

        async with serve_sockets("127.0.0.1", 0, SocketSettings(**settings), accept) as port:
            server = Keeping(port, sessions, users)
            try:
                yield server
            finally:
                server.close()
                for session in sessions:
                    session.answer_all()  # who is not read is not known to be gone
                async with asyncio.timeout(10):
                    for session in sessions:
                        await session.gone.wait()

    return run


class Raw:
    """A client that answers nothing by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, opcode: Opcode, data: bytes = b"") -> None:
        self._writer.write(Frame(opcode, data).serialize(mask=True))

    async def frame(self) -> tuple[Opcode, bytes] | None:
        """Return the next frame, all of them short, or None at the end."""
        try:
            async with asyncio.timeout(10):
                first, length = await self._reader.readexactly(2)
                return Opcode(first & 0xF), await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None


@asynccontextmanager
async def raw(server: Server) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(HANDSHAKE)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
        yield Raw(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def unreading(server: Server) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Yield what sends bytes as a client that reads nothing and has room for little."""
    loop = asyncio.get_running_loop()
    with kernel.socket() as client:
        client.setsockopt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", server.port))
        await loop.sock_sendall(client, HANDSHAKE)
        assert (await loop.sock_recv(client, 12)) == b"HTTP/1.1 101"
        yield partial(loop.sock_sendall, client)


async def closing_code(client: websockets.ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        await client.wait_closed()
    return client.close_code


async def test_texts_go_both_ways_in_order():
    async with serve() as server, server.connect() as client:
        await client.send("one")
        await client.send("two")
        assert [await server.only.texts.get() for _ in range(2)] == [b"one", b"two"]
        server.socket.send(b"three")
        server.socket.write(text_frame(b"four") + text_frame(b"five"))
        assert [await client.recv() for _ in range(3)] == ["three", "four", "five"]


async def test_a_message_in_fragments_arrives_whole_and_so_does_the_next():
    async with serve() as server, server.connect() as client:
        for _ in range(2):
            await client.send(["o", "", "ne ", "message"])
            assert await server.only.texts.get() == b"one message"
        await client.send("plain")
        assert await server.only.texts.get() == b"plain"


async def test_a_message_longer_than_the_first_buffer_arrives_whole():
    text = "ä" * 100_000
    async with serve() as server, server.connect() as client:
        await client.send(text)
        assert (await server.only.texts.get()).decode() == text


async def test_binary_messages_close_the_socket():
    async with serve() as server, server.connect() as client:
        await client.send(b"\x00")
        assert await closing_code(client) == CloseCode.UNSUPPORTED_DATA
        await server.is_gone()


async def test_text_that_is_not_utf_8_closes_the_socket():
    async with serve() as server, raw(server) as client:
        client.send(Opcode.TEXT, b"\xff")
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xefThe message is not valid UTF-8.")
        await server.is_gone()


async def test_a_message_that_is_too_long_closes_the_socket_in_one_frame_or_many():
    async with serve(max_frame_bytes=1024) as server, server.connect() as client:
        await client.send("a" * 1025)
        assert await closing_code(client) == CloseCode.TOO_BIG
    async with serve(max_frame_bytes=1024) as server, server.connect() as client:
        await client.send(["a" * 1000, "b" * 25])
        assert await closing_code(client) == CloseCode.TOO_BIG
        assert server.only.texts.empty()


async def test_a_burst_is_taken_and_one_more_closes_the_socket():
    limits = {"message_burst": 20, "messages_per_s": 0.001}
    async with serve(**limits) as server, server.connect() as client:
        for number in range(21):
            await client.send(f"{number}")
        assert await closing_code(client) == CloseCode.TOO_MANY_MESSAGES
        assert server.only.texts.qsize() == 20


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
async def test_pings_and_pongs_are_counted_like_messages(opcode: Opcode):
    limits = {"message_burst": 20, "messages_per_s": 0.001}
    async with serve(**limits) as server, raw(server) as client:
        for _ in range(21):
            client.send(opcode)
        answers = [await client.frame() for _ in range(20 if opcode is Opcode.PING else 0)]
        assert all(answer == (Opcode.PONG, b"") for answer in answers)
        reason = b"Too many messages or pings."
        assert await client.frame() == (Opcode.CLOSE, b"\x11\x4d" + reason)
        await server.is_gone()


async def test_nobody_keeps_a_closing_socket_by_not_reading_what_is_left():
    async with (
        serve(ping_s=0.2, **ROOMY) as server,
        unreading(server) as send,
    ):
        server.socket.write(text_frame(bytes(60_000)) * 500)
        await send(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
        await server.is_gone()


async def test_who_does_not_read_is_cut_off_when_the_outbox_is_full():
    async with serve(max_outbox_bytes=65536) as server, unreading(server):
        frame = text_frame(bytes(60_000))
        async with asyncio.timeout(10):
            while not server.only.gone.is_set():
                server.socket.write(frame)
                await asyncio.sleep(0)


async def test_a_slow_reader_that_catches_up_is_waited_for_and_loses_nothing():
    async with serve(**ROOMY) as server, server.connect() as client:
        frame = text_frame(bytes(60_000))
        for _ in range(500):
            server.socket.write(frame)
        waiting = asyncio.create_task(server.socket.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        for _ in range(500):
            assert len(await client.recv()) == 60_000
        async with asyncio.timeout(10):
            await waiting


class Keeper(Recorder):
    """A session that answers nothing by itself, and counts what waits."""

    def __init__(self, user_id: str = "somebody") -> None:
        super().__init__()
        self.user_id = UserId(user_id)
        self.kept: list[bytes] = []
        self.any = asyncio.Event()

    def received(self, text: bytes) -> None:
        self.kept.append(text)
        assert self.socket is not None
        self.socket.hold(text)
        self.any.set()

    def answer_all(self) -> int:
        kept, self.kept = self.kept, []
        assert self.socket is not None
        for text in kept:
            self.socket.release(text)
        return len(kept)


LONG = b"x" * 60_000
TEXT = Frame(Opcode.TEXT, LONG).serialize(mask=True)
# What a client has sent may be parsed at once, as far as it is read at once.
READ_AT_ONCE = 10


async def quiet(keeper: Keeper) -> int:
    """Return how many messages have come when no more do."""
    while True:
        keeper.any.clear()
        try:
            async with asyncio.timeout(0.3):
                await keeper.any.wait()
        except TimeoutError:
            return len(keeper.kept)


async def test_a_full_inbox_is_not_read_on_until_it_has_room(keeping):
    async with keeping(max_inbox_bytes=8 * 65536, message_burst=1_000_000) as server:
        (keeper,) = await server.open(1)
        sending = asyncio.create_task(server.send(0, TEXT * 200))
        taken = await quiet(keeper)
        assert 8 <= taken <= 8 + READ_AT_ONCE
        assert not sending.done()
        while taken < 200:
            keeper.answer_all()
            taken += await quiet(keeper)
        await sending
        assert taken == 200
        keeper.answer_all()
        assert server.common.inboxes.held == 0


async def test_a_user_who_holds_a_lot_gets_little_more_on_every_socket(keeping):
    async with keeping(max_inbox_bytes_per_user=4 * 65536, message_burst=1_000_000) as server:
        keepers = await server.open(4)
        sending = [asyncio.create_task(server.send(at, TEXT * 30)) for at in range(4)]
        taken = sum([await quiet(keeper) for keeper in keepers])
        assert taken < 4 + 4 * (2 + READ_AT_ONCE)
        (another,) = await server.open(1, "another")
        await server.send(4, TEXT * 3)
        await quiet(another)
        assert len(another.kept) == 3
        async with asyncio.timeout(20):
            taken = 0
            while taken < 120:
                taken += sum(keeper.answer_all() for keeper in keepers)
                await asyncio.sleep(0.01)
        await asyncio.gather(*sending)


async def test_where_all_hold_too_much_who_wants_more_is_closed_and_a_little_passes(keeping):
    async with keeping(
        max_inbox_bytes_of_all=6 * 65536, max_inbox_bytes_per_user=0, message_burst=1_000_000
    ) as server:
        greedy = await server.open(4)
        for at in range(4):
            await server.send(at, TEXT * 5)
        async with asyncio.timeout(10):
            await asyncio.wait(
                [asyncio.create_task(keeper.gone.wait()) for keeper in greedy],
                return_when=asyncio.FIRST_COMPLETED,
            )
        (modest,) = await server.open(1, "another")
        await server.send(4, Frame(Opcode.TEXT, b"hello").serialize(mask=True))
        await quiet(modest)
        assert modest.kept == [b"hello"]
        assert not modest.gone.is_set()
    assert server.common.inboxes.held == 0


async def test_fragments_count_and_a_message_must_be_finished(keeping):
    async with keeping(ping_s=0.2) as server:
        (keeper,) = await server.open(1)
        await server.send(0, Frame(Opcode.TEXT, LONG, fin=False).serialize(mask=True))
        async with asyncio.timeout(10):
            while server.common.inboxes.held < len(LONG):
                await asyncio.sleep(0.01)
            await keeper.gone.wait()
        assert server.common.inboxes.held == 0


async def test_a_reader_who_is_behind_for_long_is_cut_off(keeping):
    async with keeping(ping_s=0.5, slow_reader_s=0.5, **ROOMY) as server:
        (keeper,) = await server.open(1)
        keeper.socket.write(text_frame(bytes(60_000)) * 500)
        assert server.common.outboxes.held > 10_000_000
        async with asyncio.timeout(10):
            while not keeper.gone.is_set():
                # It talks, and so is no silent one.
                with suppress(OSError):
                    await server.send(0, Frame(Opcode.PING, b"").serialize(mask=True))
                await asyncio.sleep(0.05)
        assert server.common.outboxes.held == 0


async def test_where_too_much_waits_for_readers_of_a_user_one_who_is_behind_is_cut_off(keeping):
    frame = text_frame(bytes(60_000))
    async with keeping(
        max_outbox_bytes=100_000_000, max_outbox_bytes_per_user=20_000_000
    ) as server:
        first, second, resuming = await server.open(3)
        (another,) = await server.open(1, "another")
        while server.common.outboxes.held < 12_000_000:
            first.socket.write(frame)
        # One that paces itself waits; that there is little to be read does not matter.
        resuming.socket.write(text_frame(b"hello"))
        waiting = asyncio.create_task(resuming.socket.drained())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        second.socket.write(frame * 300)
        another.socket.write(frame * 200)
        async with asyncio.timeout(10):
            await second.gone.wait()
            assert not first.gone.is_set()
            assert not another.gone.is_set()
            first.socket.write(frame * 300)
            await first.gone.wait()
            await waiting


async def test_a_silent_client_is_pinged_and_one_that_answers_stays():
    async with serve(ping_s=0.1) as server, raw(server) as client:
        for _ in range(3):
            assert await client.frame() == (Opcode.PING, b"")
            client.send(Opcode.PONG)
        assert not server.only.gone.is_set()


async def test_any_message_is_an_answer_to_a_ping():
    async with serve(ping_s=0.1) as server, raw(server) as client:
        for _ in range(3):
            assert await client.frame() == (Opcode.PING, b"")
            client.send(Opcode.TEXT, b"here")
        assert not server.only.gone.is_set()


async def test_a_client_that_answers_no_ping_is_cut_off():
    async with serve(ping_s=0.1) as server, raw(server) as client:
        assert await client.frame() == (Opcode.PING, b"")
        pinged_at = time.monotonic()
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xe9a ping was not answered")
        assert time.monotonic() - pinged_at > 0.08
        assert await client.frame() is None
        await server.is_gone()


async def test_a_client_that_talks_is_not_pinged_and_its_own_pings_count():
    async with serve(ping_s=0.5, message_burst=1_000_000) as server, raw(server) as client:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            client.send(Opcode.PING, b"mine")
            assert await client.frame() == (Opcode.PONG, b"mine")
        assert not server.only.gone.is_set()


async def test_a_close_is_answered_with_a_close():
    async with serve() as server, raw(server) as client:
        client.send(Opcode.CLOSE, b"\x03\xe8")
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xe8")
        assert await client.frame() is None
        await server.is_gone()


async def test_nothing_is_sent_behind_a_close():
    async with serve() as server, raw(server) as client:
        server.socket.close(CloseCode.INTERNAL_ERROR)
        server.socket.send(b"too late")
        server.socket.write_ephemeral(text_frame(b"as well"))
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xf3")
        client.send(Opcode.CLOSE, b"\x03\xf3")
        assert await client.frame() is None


async def test_a_socket_ends_at_its_second():
    async with serve() as server, server.connect() as client:
        await client.send("connected")
        await server.only.texts.get()
        server.socket.expire_at(int(time.time()) + 1)
        assert await closing_code(client) == CloseCode.TOKEN_EXPIRED


async def test_a_refusal_is_an_http_answer():
    def accept(_: Handshake) -> Recorder:
        raise ChatterRoomError(ErrorCode.TOKEN_MISSING, "no token")

    async with serve_sockets("127.0.0.1", 0, SocketSettings(), accept) as port:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    assert refused.value.response.status_code == 401
    assert b"token_missing" in refused.value.response.body


async def test_a_failure_while_accepting_is_told_as_internal_and_nothing_more():
    def accept(_: Handshake) -> Recorder:
        raise RuntimeError("a secret")

    async with serve_sockets("127.0.0.1", 0, SocketSettings(), accept) as port:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
    assert refused.value.response.status_code == 500
    assert b"secret" not in refused.value.response.body
