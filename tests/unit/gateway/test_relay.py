"""WebSockets through the gateway: real clients, real services behind, real TCP between."""

import asyncio
import base64
import os
import socket
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatterroom.core.ids import new_id
from chatterroom.rpc.balancer import Instance

ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


@asynccontextmanager
async def echo_service(handler=None, **options):
    """Give the address of a WebSocket server, and the handshakes that have reached it."""
    handshakes = []

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async def serve_one(socket):
        handshakes.append(socket.request)
        await (handler or echo)(socket)

    async with serve(
        serve_one, "127.0.0.1", 0, max_size=None, compression=None, **options
    ) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", handshakes


def chat_url(world, user=None, room=ROOM):
    return f"{world.ws_url}/ws/chat?userId={(user or world.ada).id}&roomId={room}"


def open_chat(world, user=None, **options):
    return connect(
        chat_url(world, user),
        additional_headers=(user or world.ada).headers,
        compression=None,
        max_size=None,
        proxy=None,
        **options,
    )


def raw_handshake(world, path=None, **changes):
    headers = {
        "Host": "chat.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Authorization": f"Bearer {world.ada.token}",
        **changes,
    }
    path = path or f"/ws/chat?userId={world.ada.id}&roomId={ROOM}"
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


@asynccontextmanager
async def raw_connection(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def refusal(world, request):
    """Return status line, headers and body of an answer after which the connection ends."""
    async with raw_connection(world) as (reader, writer):
        writer.write(request)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        assert int(headers["content-length"]) == len(body)
        assert headers["content-type"] == "application/problem+json"
        return int(first.split()[1]), headers, body


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_messages_pass_both_ways_in_order_and_whole(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with open_chat(world) as client:
            sent = [os.urandom(size) for size in (0, 1, 125, 126, 70_000, 3_000_000)]
            sent += [f"é {n}" for n in range(500)]

            async def send_all():
                for message in sent:
                    await client.send(message)

            sending = asyncio.create_task(send_all())
            assert [await client.recv() for _ in sent] == sent
            await sending
        [handshake] = handshakes
        assert handshake.path == f"/ws/chat?userId={world.ada.id}&roomId={ROOM}"
        assert handshake.headers["Authorization"] == f"Bearer {world.ada.token}"
        assert handshake.headers["X-Forwarded-For"] == "127.0.0.1"


async def test_alerts_go_to_the_user_service(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with connect(
            f"{world.ws_url}/ws/alert?userId={world.ada.id}",
            additional_headers=world.ada.headers,
            proxy=None,
        ) as client:
            await client.send("ping")
            assert await client.recv() == "ping"
        assert handshakes[0].path.startswith("/ws/alert?")


async def test_browsers_bring_the_token_as_a_subprotocol(start):
    async with echo_service(subprotocols=["chatterroom.v1"]) as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with connect(
            chat_url(world),
            subprotocols=["chatterroom.v1", f"bearer.{world.ada.token}"],
            origin=f"http://127.0.0.1:{world.port}",
            proxy=None,
        ) as client:
            assert client.subprotocol == "chatterroom.v1"
        assert handshakes[0].headers["Origin"] == f"http://127.0.0.1:{world.port}"


async def test_sockets_of_a_room_go_to_one_instance(start):
    async with echo_service() as (one, at_one), echo_service() as (other, at_other):
        world = await start(chats=2, websocket_urls=(one, other))
        for user in (world.ada, world.bob, world.a_user()):
            async with open_chat(world, user):
                pass
        assert sorted([len(at_one), len(at_other)]) == [0, 3]


async def test_bytes_right_behind_the_handshake_arrive(start):
    async with echo_service() as (url, _):
        world = await start(websocket_urls=(url,))
        async with raw_connection(world) as (reader, writer):
            mask = b"\x00\x00\x00\x00"
            frames = b"".join(b"\x81\x82" + mask + b"%02d" % n for n in range(50))
            writer.write(raw_handshake(world) + frames)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            echoed = await reader.readexactly(50 * 4)
            assert echoed == b"".join(b"\x81\x02%02d" % n for n in range(50))


async def test_a_slow_reader_makes_the_service_wait_and_loses_nothing(start):
    size, most = 64 * 1024, 2000
    sent = 0

    async def flood(socket):
        nonlocal sent
        for number in range(most):
            await socket.send(number.to_bytes(4) + bytes(size))
            sent = number + 1

    async with echo_service(flood, write_limit=size) as (url, _):
        world = await start(websocket_urls=(url,))
        async with open_chat(world, max_queue=1) as client:
            await client.recv()
            before = -1
            async with asyncio.timeout(10):
                # Nobody reads: after a while nothing moves any more.
                while sent != before:
                    before = sent
                    await asyncio.sleep(0.3)
            assert sent * size < 24 * 1024 * 1024
            for number in range(1, most):
                assert (await client.recv())[:4] == number.to_bytes(4)


async def test_a_service_that_reads_slowly_makes_the_client_wait(start):
    go_on = asyncio.Event()
    received = 0

    async def read_late(socket):
        nonlocal received
        await go_on.wait()
        async for message in socket:
            received += len(message)

    size, most = 64 * 1024, 1000
    async with echo_service(read_late, max_queue=1) as (url, _):
        world = await start(websocket_urls=(url,))
        async with open_chat(world, write_limit=size) as client:
            sent = 0

            async def flood():
                nonlocal sent
                for _ in range(most):
                    await client.send(bytes(size))
                    sent += 1

            flooding = asyncio.create_task(flood())
            before = -1
            async with asyncio.timeout(10):
                while sent != before:
                    before = sent
                    await asyncio.sleep(0.3)
            assert sent * size < 24 * 1024 * 1024
            go_on.set()
            await flooding
            await until(lambda: received == most * size)


async def test_when_the_service_goes_the_client_is_told(start):
    async def leave(socket):
        await socket.send("bye")
        socket.transport.abort()

    async with echo_service(leave) as (url, _):
        world = await start(websocket_urls=(url,))
        async with open_chat(world) as client:
            assert await client.recv() == "bye"
            with pytest.raises(ConnectionClosed):
                await client.recv()


async def test_when_the_client_goes_the_service_is_told(start):
    gone = asyncio.Event()

    async def wait_for_the_end(socket):
        await socket.wait_closed()
        gone.set()

    async with echo_service(wait_for_the_end) as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with open_chat(world) as client:
            await until(lambda: handshakes)
            client.transport.abort()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_client_that_only_stops_sending_still_hears_the_rest(start):
    async def say_goodbye(socket):
        await socket.wait_closed()

    async with echo_service(say_goodbye) as (url, handshakes):
        world = await start(websocket_urls=(url,), max_sockets_per_user=1)
        async with raw_connection(world) as (reader, writer), asyncio.timeout(5):
            writer.write(raw_handshake(world))
            await reader.readuntil(b"\r\n\r\n")
            writer.write_eof()
            # The end of the stream reaches the service, which closes, which reaches the client.
            await reader.read()
        async with open_chat(world):
            await until(lambda: len(handshakes) == 2)


async def test_close_codes_pass(start):
    async def close(socket):
        await socket.close(4301, "read faster")

    async with echo_service(close) as (url, _):
        world = await start(websocket_urls=(url,))
        async with open_chat(world) as client:
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd.code == 4301


async def test_a_dead_instance_is_passed_over(start):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{placeholder.getsockname()[1]}"
        async with echo_service() as (url, handshakes):
            world = await start(chats=2, websocket_urls=(dead, url))
            for room in range(8):
                async with connect(
                    chat_url(world, room=f"{ROOM[:-1]}{room}"),
                    additional_headers=world.ada.headers,
                    proxy=None,
                ):
                    pass
            assert len(handshakes) == 8


async def test_without_a_service_the_handshake_is_503(start):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{placeholder.getsockname()[1]}"
        world = await start(websocket_urls=(dead,))
        status, headers, body = await refusal(world, raw_handshake(world))
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"service_unavailable" in body
        world.balancers["chat"].replace([Instance("127.0.0.1:1", "")])
        assert (await refusal(world, raw_handshake(world)))[0] == 503


async def test_what_the_service_refuses_the_client_hears(start):
    async def refuse(connection, request):
        return connection.respond(404, "no such room\n")

    async with echo_service(process_request=refuse) as (url, _):
        world = await start(websocket_urls=(url,))
        with pytest.raises(InvalidStatus) as refused:
            async with open_chat(world):
                pass
        assert refused.value.response.status_code == 404
        assert b"no such room" in refused.value.response.body


async def test_a_service_that_hangs_up_instead_of_answering_is_503(start):
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        world = await start(websocket_urls=(url,))
        assert (await refusal(world, raw_handshake(world)))[0] == 503


async def test_a_service_that_never_answers_is_given_up(start):
    async def silence(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with server:
        url = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        world = await start(websocket_urls=(url,), request_timeout_s=0.3)
        async with raw_connection(world) as (reader, writer), asyncio.timeout(5):
            writer.write(raw_handshake(world))
            with suppress(ConnectionResetError):
                assert await reader.read() == b""


REFUSED = [
    ({"Authorization": None}, None, 401, "token_missing"),
    ({"Authorization": "Bearer x.y.z"}, None, 401, "token_invalid"),
    ({"Authorization": None}, "/ws/chat?token=abc&userId={ada}", 401, "token_missing"),
    ({}, "/ws/chat?userId={bob}", 403, "identity_mismatch"),
    ({}, "/ws/alert?userId={bob}", 403, "identity_mismatch"),
    ({}, "/ws/chat", 400, "invalid_request"),
    ({}, "/ws/chat?userId=nobody", 400, "malformed_id"),
    ({"Origin": "https://evil.example"}, None, 403, "origin_not_allowed"),
    ({"Origin": "null"}, None, 403, "origin_not_allowed"),
    ({"Origin": "http://chat.example.evil"}, None, 403, "origin_not_allowed"),
    ({"Origin": "http://chat.example:81"}, None, 403, "origin_not_allowed"),
    ({"Origin": "http://["}, None, 403, "origin_not_allowed"),
    ({}, "/ws/other?userId={ada}", 404, "not_found"),
    ({}, "/status", 404, "not_found"),
    ({"Sec-WebSocket-Version": "8"}, None, 426, "invalid_request"),
    ({"Sec-WebSocket-Version": None}, None, 426, "invalid_request"),
    ({"Sec-WebSocket-Key": None}, None, 400, "invalid_request"),
    ({"Content-Length": "5"}, None, 400, "invalid_request"),
    ({}, "/ws/chat?" + "&".join(f"a{n}=1" for n in range(40)), 400, "invalid_request"),
]


async def test_handshakes_that_are_refused(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        for changes, target, status, code in REFUSED:
            path = target and target.replace("{ada}", world.ada.id).replace("{bob}", world.bob.id)
            told, headers, body = await refusal(world, raw_handshake(world, path, **changes))
            assert told == status, (changes, target)
            assert f'"code":"{code}"'.encode() in body
            assert headers["connection"] == "close"
            if status == 426:
                assert headers["sec-websocket-version"] == "13"
        assert not handshakes


async def test_a_refused_handshake_opens_no_tunnel(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        pipelined = b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n"
        request = raw_handshake(world, **{"Sec-WebSocket-Version": "8"}) + pipelined
        assert (await refusal(world, request))[0] == 426
        async with raw_connection(world) as (reader, writer):
            writer.write(pipelined + raw_handshake(world) + b"\x81\x80\x00\x00\x00\x00")
            answers = await reader.read()
            assert answers.startswith(b"HTTP/1.1 400 ")
            assert b"101 Switching" not in answers
        assert not handshakes


async def test_only_the_handshakes_own_headers_pass(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with raw_connection(world) as (reader, writer):
            changes = {
                "Cookie": "a=b",
                "X-Forwarded-For": "203.0.113.9",
                "X-Other": "1",
                "Chatterroom-User-Id": new_id(),
                "User-Agent": "wscat",
            }
            writer.write(raw_handshake(world, **changes))
            await reader.readuntil(b"\r\n\r\n")
        [handshake] = handshakes
        assert {name.lower() for name, _ in handshake.headers.raw_items()} == {
            "host",
            "connection",
            "upgrade",
            "sec-websocket-version",
            "sec-websocket-key",
            "authorization",
            "user-agent",
            "x-forwarded-for",
        }
        assert handshake.headers["Host"] == "chat.example"
        assert handshake.headers["X-Forwarded-For"] == "127.0.0.1"


async def test_a_trusted_proxys_addresses_pass(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,), trusted_proxies="127.0.0.1")
        async with raw_connection(world) as (reader, writer):
            writer.write(raw_handshake(world, **{"X-Forwarded-For": "203.0.113.9"}))
            await reader.readuntil(b"\r\n\r\n")
        assert handshakes[0].headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


async def test_open_sockets_are_capped_per_user_and_freed_when_they_close(start):
    async with echo_service() as (url, _):
        world = await start(websocket_urls=(url,), max_sockets_per_user=1)
        async with open_chat(world):
            status, headers, body = await refusal(world, raw_handshake(world))
            assert (status, headers["retry-after"]) == (429, "5")
            assert b"rate_limited" in body
            async with open_chat(world, world.bob):
                pass
        async with asyncio.timeout(5):
            while True:
                try:
                    async with open_chat(world):
                        return
                except InvalidStatus:
                    await asyncio.sleep(0.02)


async def test_open_sockets_are_capped_per_address(start):
    async with echo_service() as (url, _):
        world = await start(websocket_urls=(url,), max_sockets_per_address=1)
        async with open_chat(world):
            with pytest.raises(InvalidStatus) as refused:
                async with open_chat(world, world.bob):
                    pass
        assert refused.value.response.status_code == 429


async def test_handshakes_are_limited_per_user_and_per_address(start):
    async with echo_service() as (url, _):
        world = await start(
            websocket_urls=(url,), user_handshakes_per_s=0.1, user_handshakes_burst=1
        )
        async with open_chat(world):
            pass
        status, headers, _ = await refusal(world, raw_handshake(world))
        assert status == 429
        assert '"handshakes-per-user";r=0' in headers["ratelimit"]
        assert int(headers["retry-after"]) >= 9

        world = await start(
            websocket_urls=(url,), address_handshakes_per_s=0.1, address_handshakes_burst=1
        )
        assert (await refusal(world, raw_handshake(world, Authorization=None)))[0] == 401
        assert (await refusal(world, raw_handshake(world, Authorization=None)))[0] == 429


async def test_a_gateway_that_stops_closes_its_sockets(start):
    async with echo_service() as (url, handshakes):
        world = await start(websocket_urls=(url,))
        async with open_chat(world) as client:
            await until(lambda: handshakes)
            async with asyncio.timeout(5):
                stopping = asyncio.create_task(world.stop_gateway())
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                await stopping
