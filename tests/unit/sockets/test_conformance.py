"""RFC 6455, case by case, against an echo on the server that carries all sockets.

The sections are those of the Autobahn test suite, whose program runs on Python 2.7 alone:
1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 close
handling. Where Autobahn echoes binary messages, this server refuses them with 1003.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil
import pytest
from websockets.frames import Close, Frame, Opcode

from chatterroom.core.ids import UserId
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.handshake import Handshake
from chatterroom.sockets.server_picows import Socket, SocketSettings, serve_sockets

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
LIMIT = 256 * 1024
TEXT, BINARY, MORE = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, PONG, CLOSE = Opcode.PING, Opcode.PONG, Opcode.CLOSE
# What no implementation may take for UTF-8: cut short, too long for what it says, surrogates,
# above the last code point, a continuation alone.
NOT_UTF_8 = [
    b"\xff",
    b"\xfe",
    b"\x80",
    b"\xbf",
    b"a\x80b",
    b"\xc0",
    b"\xe0\x80",
    b"\xce\xba\xe1",
    b"\xf0\x80\x80",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
]
UTF_8 = [
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\0",
    "\x7f",
    "\u0080",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\ufffe",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
    "κόσμε",
]


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a masked frame, also one that must not be."""
    made = bytearray(Frame(TEXT, data, fin).serialize(mask=True))
    made[0] = (made[0] & 0x80) | rsv << 4 | opcode
    return bytes(made)


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


@dataclass
class Case:
    """What is sent, what comes back before the end, and the code of the end."""

    id: str
    sent: list[bytes]
    heard: list[tuple[Opcode, bytes]] = field(default_factory=list)
    code: int = 1000


def echoed(id_: str, data: bytes, *pieces: bytes) -> Case:
    return Case(id_, [*(pieces or [frame(TEXT, data)]), closing(1000)], [(TEXT, data)])


def cases() -> list[Case]:
    hello, more = b"Hello, ", b"world!"
    beginning = frame(TEXT, hello, fin=False)
    return [
        *(echoed(f"1-text-of-{n}", b"*" * n) for n in (0, 125, 126, 127, 128, 65535, 65536, LIMIT)),
        Case("1-text-over-the-limit", [frame(TEXT, b"*" * (LIMIT + 1))], code=1009),
        Case("1-binary", [frame(BINARY, b"\xfe" * 126)], code=1003),
        Case("1-length-not-shortest-16", [b"\x81\xfe\x00\x05" + bytes(9)], code=1002),
        Case("1-length-not-shortest-64", [b"\x81\xff" + (5).to_bytes(8) + bytes(9)], code=1002),
        Case("1-length-of-2-63", [b"\x81\xff" + (2**63).to_bytes(8) + bytes(4)], code=1002),
        Case("1-length-below-2-63", [b"\x81\xff" + (2**63 - 1).to_bytes(8) + bytes(4)], code=1009),
        Case("1-not-masked", [b"\x81\x05Hello"], code=1002),
        *(
            Case(f"2-ping-of-{n}", [frame(PING, b"\xfe" * n), closing(1000)], [(PONG, b"\xfe" * n)])
            for n in (0, 5, 125)
        ),
        Case("2-ping-too-long", [b"\x89\xfe\x00\x7e" + bytes(130)], code=1002),
        Case("2-pong-unasked", [frame(PONG, b"hi"), frame(PING), closing(1000)], [(PONG, b"")]),
        Case(
            "2-ten-pings",
            [*(frame(PING, b"%d" % n) for n in range(10)), closing(1000)],
            [(PONG, b"%d" % n) for n in range(10)],
        ),
        *(
            Case(f"3-reserved-{rsv}-on-text", [frame(TEXT, hello, rsv=rsv)], code=1002)
            for rsv in range(1, 8)
        ),
        Case("3-reserved-on-ping", [frame(PING, rsv=4)], code=1002),
        Case("3-reserved-on-close", [frame(CLOSE, rsv=7)], code=1002),
        Case(
            "3-text-before-it-is-answered",
            [frame(TEXT, hello), frame(PING), frame(TEXT, more, rsv=4)],
            [(TEXT, hello), (PONG, b"")],
            code=1002,
        ),
        *(
            Case(f"4-opcode-{n}", [frame(n, hello)], code=1002)
            for n in (*range(3, 8), *range(11, 16))
        ),
        Case("5-ping-in-fragments", [frame(PING, hello, fin=False), frame(MORE, more)], code=1002),
        Case("5-pong-in-fragments", [frame(PONG, hello, fin=False), frame(MORE, more)], code=1002),
        echoed("5-two-fragments", hello + more, beginning, frame(MORE, more)),
        Case(
            "5-ping-between-fragments",
            [beginning, frame(PING, b"p"), frame(MORE, more), closing(1000)],
            [(PONG, b"p"), (TEXT, hello + more)],
        ),
        echoed(
            "5-byte-by-byte",
            hello,
            frame(TEXT, fin=False),
            *(frame(MORE, hello[n : n + 1], fin=False) for n in range(len(hello))),
            frame(MORE),
        ),
        Case("5-going-on-with-nothing", [frame(MORE, hello)], code=1002),
        Case("5-going-on-with-nothing-open", [frame(MORE, hello, fin=False)], code=1002),
        Case(
            "5-going-on-after-the-end",
            [beginning, frame(MORE, more), frame(MORE, more)],
            [(TEXT, hello + more)],
            code=1002,
        ),
        Case("5-text-within-a-text", [beginning, frame(TEXT, more)], code=1002),
        Case("5-binary-within-a-text", [beginning, frame(BINARY, more)], code=1003),
        Case(
            "5-fragments-over-the-limit",
            [frame(TEXT, b"a" * LIMIT, fin=False), frame(MORE, b"b", fin=False)],
            code=1009,
        ),
        *(echoed(f"6-utf-8-{n}", text.encode()) for n, text in enumerate(UTF_8)),
        echoed(
            "6-utf-8-cut-within-a-character",
            "κόσμε".encode(),
            *(
                frame(TEXT if n == 0 else MORE, bytes([byte]), fin=False)
                for n, byte in enumerate("κόσμε".encode())
            ),
            frame(MORE),
        ),
        *(
            Case(f"6-not-utf-8-{n}", [frame(TEXT, data)], code=1007)
            for n, data in enumerate(NOT_UTF_8)
        ),
        Case(
            "6-not-utf-8-in-fragments",
            [frame(TEXT, b"\xce\xba\xed", fin=False), frame(MORE, b"\xa0\x80")],
            code=1007,
        ),
        Case("7-close-without-a-code", [frame(CLOSE)]),
        Case("7-close-of-one-byte", [frame(CLOSE, b"\x03")], code=1002),
        Case("7-close-with-a-reason", [closing(1000, b"*" * 123)]),
        Case("7-close-too-long", [b"\x88\xfe\x00\x7e" + bytes(130)], code=1002),
        Case("7-close-with-no-utf-8", [closing(1000, b"\xce\xba\xed\xa0\x80")], code=1007),
        Case("7-nothing-after-a-close", [closing(1000), frame(PING), frame(TEXT, hello)]),
        Case("7-close-within-a-message", [beginning, closing(1000), frame(MORE, more)]),
        *(Case(f"7-code-{n}", [closing(n)]) for n in (1001, 1002, 1003, 1007, 1011, 3000, 4999)),
        *(
            Case(f"7-no-code-{n}", [closing(n)], code=1002)
            for n in (0, 999, 1004, 1005, 1006, 1016, 2999)
        ),
    ]


class Echo:
    user_id = UserId("somebody")

    def connected(self, socket: Socket) -> None:
        self.socket = socket

    def received(self, text: bytes) -> None:
        self.socket.send(text)

    def disconnected(self) -> None:
        pass


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    def accept(_: Handshake) -> Echo:
        return Echo()

    async with serve_sockets("127.0.0.1", 0, SocketSettings(), accept) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2 * LIMIT)
        try:
            writer.write(HANDSHAKE)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            yield reader, writer
        finally:
            writer.transport.abort()


async def next_frame(reader: asyncio.StreamReader) -> tuple[Opcode, bytes]:
    first, second = await reader.readexactly(2)
    assert first & 0xF0 == 0x80, "a server's frames are whole and without reserved bits"
    assert second < 0x80, "a server masks nothing"
    sizes = {126: 2, 127: 8}
    length = int.from_bytes(await reader.readexactly(sizes[second])) if second in sizes else second
    return Opcode(first & 0xF), await reader.readexactly(length)


async def heard_until_the_end(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[list[tuple[Opcode, bytes]], int]:
    """Return the frames before the close and its code; nothing may come after it."""
    heard = []
    while True:
        opcode, data = await next_frame(reader)
        if opcode is CLOSE:
            if not writer.is_closing():
                writer.write(frame(CLOSE, data))
            # Who still sends when the server has hung up gets a reset.
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            return heard, Close.parse(data).code
        heard.append((opcode, data))


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_case_of_the_protocol_ends_as_it_must(case: Case):
    async with connection() as (reader, writer), asyncio.timeout(10):
        writer.write(b"".join(case.sent))
        heard, code = await heard_until_the_end(reader, writer)
    assert code == case.code
    if code == CloseCode.PROTOCOL_ERROR:
        # What stands before a frame that cannot be parsed may be lost with it.
        assert heard == case.heard[: len(heard)]
    else:
        assert heard == case.heard


# Behind the byte that ends a socket nothing may follow: it would meet a reset. So no frame that is
# refused before it is complete.
SHORT = [
    case
    for case in CASES
    if case.sent[-1][0] == 0x88
    and case.code != CloseCode.PROTOCOL_ERROR
    and sum(map(len, case.sent)) < 1_000
]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.id)
async def test_it_ends_in_the_same_way_where_it_comes_byte_by_byte(case: Case):
    async with connection() as (reader, writer), asyncio.timeout(10):
        for byte in b"".join(case.sent):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await heard_until_the_end(reader, writer) == (case.heard, case.code)


async def test_a_frame_that_claims_much_reserves_nothing():
    def accept(_: Handshake) -> Echo:
        return Echo()

    async with serve_sockets("127.0.0.1", 0, SocketSettings(), accept) as port:
        before = resident_bytes()
        opened = []
        for _ in range(50):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE + b"\x81\xff" + (LIMIT).to_bytes(8) + b"\x00\x00\x00\x00")
            await reader.readuntil(b"\r\n\r\n")
            opened.append(writer)
        assert resident_bytes() - before < 50 * LIMIT // 4
        for writer in opened:
            writer.transport.abort()


def resident_bytes() -> int:
    return psutil.Process().memory_info().rss
