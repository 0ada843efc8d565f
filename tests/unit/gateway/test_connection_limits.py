"""Who gets a connection, who has to make room, and who gets one answer from the reserve."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from chatterroom.gateway.addresses import ClientAddresses
from chatterroom.gateway.connections import Connections
from chatterroom.gateway.settings import GatewaySettings

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
DOCS = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
# Its head is there, so it is under way and does not make room.
UNDER_WAY = (
    b"POST /user-service/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{"
)


class Book:
    """Connections by name, and which of them had to make room."""

    def __init__(self, trusted: str = "", **settings: int) -> None:
        given = {"max_connections": 3, "max_connections_per_address": 2, "reserved_connections": 2}
        self.connections = Connections(
            GatewaySettings(secrets_dir="", **(given | settings)), ClientAddresses(trusted)
        )
        self.closed: list[str] = []

    def enter(self, name: str, peer: str):
        return self.connections.enter(peer, lambda: self.closed.append(name))


def test_an_address_has_its_share_however_it_is_spelled():
    book = Book()
    places = [book.enter("a", peer) for peer in ("192.0.2.1", "::ffff:192.0.2.1")]
    refused = book.enter("c", "192.0.2.1")
    assert [place.refusal for place in places] == [None, None]
    assert refused.refusal.data["policy"] == "connections per address"
    book.connections.leave(places[0])
    assert book.enter("d", "192.0.2.1").refusal is None
    assert book.closed == []


def test_trusted_proxies_have_no_share_and_make_no_room():
    book = Book("192.0.2.0/24")
    assert [book.enter("proxy", "192.0.2.1").refusal for _ in range(3)] == [None] * 3
    refused = book.enter("last", "192.0.2.1")
    assert refused.refusal.data["policy"] == "connections"
    assert book.closed == []


def test_the_connection_that_has_waited_longest_makes_room():
    book = Book()
    first, second, _ = (book.enter(f"{number}", f"192.0.2.{number}") for number in range(3))
    book.connections.works(first)
    book.connections.works(second)
    book.connections.waits(second)
    assert book.enter("3", "192.0.2.3").refusal is None
    assert book.enter("4", "192.0.2.4").refusal is None
    assert book.closed == ["2", "1"]
    book.connections.leave(second)
    book.connections.leave(second)
    book.connections.waits(second)
    assert book.enter("5", "192.0.2.5").refusal is None
    assert book.closed == ["2", "1", "3"]


def test_a_relayed_socket_counts_twice_until_it_ends():
    book = Book(max_connections=4)
    places = [book.enter("socket", f"192.0.2.{number}") for number in range(2)]
    for place in places:
        book.connections.works(place)
        book.connections.take_second(place)
    assert book.enter("more", "192.0.2.9").refusal is not None
    book.connections.leave(places[0])
    assert [book.enter("more", "192.0.2.9").refusal for _ in range(2)] == [None, None]


def test_the_oldest_in_the_reserve_makes_room_and_a_flood_is_hung_up_on():
    book = Book(max_connections_per_address=1)
    book.enter("0", "192.0.2.1")
    reserved = [book.enter(f"{number}", "192.0.2.1") for number in range(1, 60)]
    assert all(place.refusal for place in reserved if place)
    assert None in reserved
    assert book.closed == [f"{number}" for number in range(1, len(book.closed) + 1)]
    # Somebody else's health checks are not in the way of that.
    assert book.enter("other", "192.0.2.2").refusal is None


def test_limits_of_0_are_off():
    book = Book(max_connections=0, max_connections_per_address=0)
    assert all(book.enter("a", "192.0.2.1").refusal is None for _ in range(1000))


@pytest.mark.parametrize("reserve", [0, 2])
def test_without_a_reserve_a_refusal_has_no_words(reserve):
    book = Book(max_connections_per_address=1, reserved_connections=reserve)
    book.enter("a", "192.0.2.1")
    assert (book.enter("b", "192.0.2.1") is None) == (reserve == 0)


@asynccontextmanager
async def connection(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def ask(world, request):
    async with connection(world) as (reader, writer), asyncio.timeout(10):
        writer.write(request)
        return await reader.read()


async def test_a_full_gateway_answers_health_checks_and_says_no_to_the_rest(start):
    world = await start(max_connections=4)
    async with AsyncExitStack() as many:
        for _ in range(4):
            _, writer = await many.enter_async_context(connection(world))
            writer.write(UNDER_WAY)
            await writer.drain()
        async with asyncio.timeout(10):
            while answer := await ask(world, DOCS.replace(b"Host", b"Connection: close\r\nHost")):
                if b" 503 " in answer.splitlines()[0]:
                    break
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (problem["code"], problem["policy"]) == ("overloaded", "connections")
        assert b"retry-after: 5" in answer
        for path in (b"/healthz", b"/status", b"/readyz", b"/chat-service/status"):
            answer = await ask(world, HEALTH.replace(b"/healthz", path))
            assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 "))
            assert b'"overloaded"' not in answer
            assert b"connection: close" in answer
        upgrade = (
            b"GET /ws/chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert (await ask(world, upgrade)).startswith(b"HTTP/1.1 503 ")


async def test_requests_right_behind_each_other_are_answered_in_order_however_many(start):
    world = await start()
    count = 5_000
    async with connection(world) as (reader, writer), asyncio.timeout(60):
        last = HEALTH.replace(b"Host", b"Connection: close\r\nHost")
        writer.write(HEALTH * count + last)
        received = await reader.read()
    assert received.count(b'{"status":"ok"}') == count + 1


@pytest.mark.parametrize(
    "hosts",
    [b"", b"Host:\r\n", b"Host: \r\n", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nhost: y\r\n"],
)
async def test_a_request_names_one_host(world, hosts):
    answer = await ask(world, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n" + hosts + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host", ["a b", "a, b", "u@a", "a/b", "a?b", "a:x", "a:1:2", "[::1", "\xe9"]
)
async def test_what_is_no_host_is_refused(world, host):
    line = f"Host: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = await ask(world, b"GET /healthz HTTP/1.1\r\n" + line)
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host",
    ["a", "A.example.", "my_host:8080", "127.0.0.1:", "[::1]:80", "[fe80::1%25eth0]", "xn--a"],
)
async def test_names_and_addresses_are_hosts(world, host):
    line = f"Host: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = await ask(world, b"GET /healthz HTTP/1.1\r\n" + line)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_http_1_0_needs_no_host(world):
    assert (await ask(world, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/alert", "/ws/chat?userId=x"])
async def test_a_socket_without_an_upgrade_is_426(world, path):
    answer = await world.client.get(path)
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["sec-websocket-version"] == "13"
    assert answer.json()["code"] == "invalid_request"
