import asyncio
import socket as kernel
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import websockets
from websockets.frames import Frame, Opcode

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.sockets.frames import CloseCode, text_frame
from chatterroom.sockets.handshake import Handshake
from chatterroom.sockets.server_picows import Socket, SocketSettings, serve_sockets

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


class Recorder:
    def __init__(self) -> None:
        self.socket: Socket | None = None
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()

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
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xefthe message is not UTF-8")
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
        reason = b"too many messages, or pings"
        assert await client.frame() == (Opcode.CLOSE, b"\x11\x4d" + reason)
        await server.is_gone()


async def test_nobody_keeps_a_closing_socket_by_not_reading_what_is_left():
    async with (
        serve(ping_s=0.2, max_outbox_bytes=100_000_000) as server,
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
    async with serve(max_outbox_bytes=100_000_000) as server, server.connect() as client:
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
