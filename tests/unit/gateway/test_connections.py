"""Clients that do not speak HTTP as they should, or take too long over it."""

import asyncio
import gc
from contextlib import asynccontextmanager

import pytest

from chatterroom.gateway.http_protocol import GatewayProtocol

STATUS = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def connection(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def everything(reader):
    """Read until the connection ends, however it does."""
    received = b""
    try:
        while data := await reader.read(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


NOT_HTTP = [
    b"\x00\x01\x02\x03\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /status\r\n\r\n",
    b"GET /status\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /status HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000 + b"\r\n\r\n",
    (
        b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    (
        b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Content-Length: 4\r\n\r\nabc"
    ),
    b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET /status HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    b"GET /status HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
]


async def test_what_is_not_http_is_a_problem_and_the_end(world):
    for request in NOT_HTTP:
        async with connection(world) as (reader, writer), asyncio.timeout(5):
            writer.write(request)
            answer = await everything(reader)
            assert answer.startswith(b"HTTP/1.1 400 "), (request, answer)
            assert b"application/problem+json" in answer
            assert b'"code":"invalid_request"' in answer
    assert (await world.client.get("/healthz")).status_code == 200


async def test_an_endless_head_is_refused(world):
    async with connection(world) as (reader, writer), asyncio.timeout(5):
        writer.write(b"GET /status HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000)
        assert (await everything(reader)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n",
        b"GET /status HTTP/1.1\r\nHost",
        (
            b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"email'
        ),
        b"GET /ws/chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    ],
)
async def test_a_request_that_does_not_end_is_cut_off(start, beginning):
    world = await start(request_timeout_s=0.3)
    async with connection(world) as (reader, writer), asyncio.timeout(5):
        writer.write(beginning)
        assert await everything(reader) == b""
    assert (await world.client.get("/healthz")).status_code == 200


async def test_dribbling_between_requests_does_not_keep_a_connection(start):
    world = await start(request_timeout_s=0.4)
    async with connection(world) as (reader, writer), asyncio.timeout(5):
        writer.write(STATUS)
        await reader.readuntil(b'{"status":"ok"}')
        reading = asyncio.create_task(everything(reader))
        while not reading.done():
            writer.write(b"\r\n")
            await asyncio.wait([reading], timeout=0.05)
        assert await reading == b""


async def test_requests_in_one_connection_and_one_segment(world):
    async with connection(world) as (reader, writer), asyncio.timeout(5):
        writer.write(STATUS * 200)
        for _ in range(200):
            assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 ")
        writer.write(STATUS)
        await reader.readuntil(b'{"status":"ok"}')


async def test_other_upgrades_are_answered_as_http_and_the_connection_ends(world):
    async with connection(world) as (reader, writer), asyncio.timeout(5):
        writer.write(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + STATUS
        )
        answer = await everything(reader)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_stop_finishes_the_requests_under_way(start):
    world = await start()
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request):
        arrived.set()
        await go_on.wait()

    world.user_service.answers["SearchUsers"] = slowly
    under_way = asyncio.create_task(
        world.client.get("/user-service/users?query=a", headers=world.ada.headers)
    )
    await arrived.wait()
    stopping = asyncio.create_task(world.stop_gateway())
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", world.port)
                writer.transport.abort()
                await asyncio.sleep(0.01)
            except OSError:
                break
        go_on.set()
        assert (await under_way).status_code == 200
        await stopping


async def test_an_answer_leaves_in_one_piece(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    for method in (b"GET", b"HEAD", b"GET"):
        writer.write(method + b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read(65536)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        body = b"" if method == b"HEAD" else b'{"status":"ok"}'
        assert answer.endswith(b"\r\n\r\n" + body)
    writer.close()
    await writer.wait_closed()


async def test_who_asks_whether_to_continue_is_told_at_once(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    body = b'{"email": "a@b.c", "password": "x"}'
    writer.write(
        b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body)
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "said",
    [b"", STATUS, STATUS[:-2], NOT_HTTP[0], b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"],
    ids=["nothing", "a request", "half of one", "no HTTP", "a path that is not there"],
)
async def test_a_connection_that_has_ended_leaves_nothing_to_collect(world, said):
    async def come_and_go():
        async with connection(world) as (reader, writer), asyncio.timeout(5):
            writer.write(said)
            if said.endswith(b"\r\n\r\n"):
                await reader.read(100)

    def left():
        return sum(isinstance(each, GatewayProtocol) for each in gc.get_objects())

    gc.collect()
    before = left()
    gc.disable()
    try:
        for _ in range(10):
            await come_and_go()
        async with asyncio.timeout(5):
            while left() > before:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
