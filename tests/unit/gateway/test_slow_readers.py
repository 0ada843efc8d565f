"""What clients may leave unread, and what their requests may hold, in bytes and in time."""

import asyncio
import socket

from chatterroom.gateway.in_flight import Holder, InFlight
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.gateway.slow_readers import SlowReaders
from chatterroom.pb import users_pb2

KILOBYTE = 1024
HOLDER = Holder("192.0.2.1", "somebody")


class Transport:
    """A transport whose reader takes what the test says."""

    def __init__(self, unread: int) -> None:
        self.unread = unread
        self.is_cut = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def get_extra_info(self, _name: str) -> None:
        return None

    def abort(self) -> None:
        self.is_cut.set()


def in_flight(per_address=0, per_user=0):
    return InFlight(
        GatewaySettings(
            secrets_dir="",
            max_bytes_in_flight_per_address=per_address,
            max_bytes_in_flight_per_user=per_user,
        )
    )


async def test_a_reader_that_takes_nothing_is_cut():
    transport = Transport(100 * KILOBYTE)
    SlowReaders(in_flight(), 0.01).watch(transport, HOLDER)
    async with asyncio.timeout(10):
        await transport.is_cut.wait()


async def test_a_reader_that_takes_some_is_not_cut_until_it_stops():
    transport = Transport(500 * KILOBYTE)
    looked = asyncio.Event()

    def take_some() -> int:
        if transport.unread > 100 * KILOBYTE:
            transport.unread -= 20 * KILOBYTE
            looked.set()
        return transport.unread

    transport.get_write_buffer_size = take_some
    SlowReaders(in_flight(), 0.01).watch(transport, HOLDER)
    async with asyncio.timeout(10):
        await transport.is_cut.wait()
    assert transport.unread == 100 * KILOBYTE


async def test_what_one_leaves_counts_until_it_has_caught_up():
    counted = in_flight(per_address=150 * KILOBYTE)
    readers = SlowReaders(counted, 60)
    first, second = Transport(100 * KILOBYTE), Transport(100 * KILOBYTE)
    reader = readers.watch(first, HOLDER)
    other = readers.watch(second, Holder("192.0.2.1", "another"))
    assert (first.is_cut.is_set(), second.is_cut.is_set()) == (False, True)
    reader.caught_up()
    other.caught_up()
    third = readers.watch(Transport(150 * KILOBYTE), HOLDER)
    assert not third._transport.is_cut.is_set()
    third.caught_up()


async def unread_connection(port):
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    return plain


async def test_who_leaves_too_much_unread_gets_no_more(start):
    world = await start(max_bytes_in_flight_per_address=1)
    loop = asyncio.get_running_loop()
    with await unread_connection(world.port) as plain:
        await loop.sock_sendall(plain, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 30)
        async with asyncio.timeout(10):
            try:
                while await loop.sock_recv(plain, 100):
                    await asyncio.sleep(0.01)
            except ConnectionError:
                pass
    assert (await world.client.get("/healthz")).status_code == 200


async def test_bodies_under_way_are_bounded_by_user(start):
    world = await start(max_bytes_in_flight_per_user=1000)
    body = {"sender_id": world.ada.id, "receiver_id": world.bob.id, "message": "x" * 2000}
    path = "/chat-service/private/send"
    answer = await world.client.post(path, json=body, headers=world.ada.headers)
    assert answer.status_code == 429
    assert answer.json()["policy"] == "bytes in flight per user"
    assert int(answer.headers["retry-after"]) >= 1
    for _ in range(5):
        answer = await world.client.post(
            path, json=body | {"message": "x"}, headers=world.ada.headers
        )
        assert answer.status_code == 200


async def test_a_response_that_is_too_large_is_not_sent(start):
    world = await start(max_response_bytes=2000)
    people = [users_pb2.UserSummary(user_id=world.ada.id, username="x" * 100)] * 40
    world.user_service.answers["SearchUsers"] = users_pb2.SearchUsersResponse(users=people)
    answer = await world.client.get("/user-service/users?query=x", headers=world.ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "response_too_large")
