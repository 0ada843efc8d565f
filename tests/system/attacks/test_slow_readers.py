"""Row 5: clients that ask and do not read, and that send and never end."""

import asyncio
import json
import secrets
import select
import socket
import time

import httpx
from tests.system.conftest import wait_for

from .test_connection_floods import log_of
from .wire import WAIT_S, frame, heard, request, status_of
from .world import Person, World

MEGABYTE = 1024 * 1024


def unreading(world: World, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection with room for little."""
    plain = socket.socket()
    plain.settimeout(WAIT_S)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.bind((source, 0))
    plain.connect(("127.0.0.1", world.port))
    return plain


def is_cut(plain: socket.socket) -> bool:
    """Say whether the other side has hung up, without taking anything that it has sent."""
    look = select.poll()
    look.register(plain, select.POLLHUP)
    return bool(look.poll(0))


def test_row_5_who_asks_for_much_and_never_reads_is_cut_off(world: World):
    everybody = [unreading(world, f"127.4.0.{1 + number // 30}") for number in range(60)]
    try:
        asked = request("GET", "/openapi.json") * 20
        for plain in everybody:
            plain.sendall(asked)
        wait_for(lambda: all(map(is_cut, everybody)), 60, "all of them to be cut off")
    finally:
        for plain in everybody:
            plain.close()
    assert "slow_reader_cut" in log_of(world, "gateway")


def test_who_takes_a_byte_now_and_then_is_cut_off_too(world: World):
    with unreading(world) as plain:
        plain.sendall(request("GET", "/openapi.json") * 20)

        def dribbles_in_vain() -> bool:
            assert plain.recv(1)
            return is_cut(plain)

        wait_for(dribbles_in_vain, 60, "the dribbling reader to be cut off")


def test_who_reads_slowly_but_steadily_gets_everything(world: World):
    with unreading(world) as plain:
        plain.sendall(
            request("GET", "/openapi.json") + request("GET", "/healthz", Connection="close")
        )
        received = bytearray()
        while data := plain.recv(8192):
            received += data
            time.sleep(0.01)
        assert received.count(b"HTTP/1.1 200 ") == 2


def test_a_socket_that_is_never_read_is_cut_off_although_it_pings(world: World):
    person = Person(world, "deaf")
    room = person.create_room()
    with unreading(world) as plain:
        plain.sendall(
            request(
                "GET",
                f"/ws/chat?userId={person.id}",
                Upgrade="websocket",
                Connection="Upgrade",
                Sec_WebSocket_Version="13",
                Sec_WebSocket_Key="MDEyMzQ1Njc4OWFiY2RlZg==",
                Sec_WebSocket_Protocol="chatterroom.v1",
                Authorization=f"Bearer {person.token}",
                X_Forwarded_For=person.address,
            )
        )
        said = bytearray()
        while b'"type":"ready"' not in said:
            said += plain.recv(4096)
        command = json.dumps({"type": "resume", "conversations": {}}).encode()
        plain.sendall(frame(1, command))
        while b'"type":"resumed"' not in said:
            said += plain.recv(4096)
        for _ in range(200):
            assert person.write(room, "😀" * 8000).status_code == 200

        def pings_in_vain() -> bool:
            try:
                plain.sendall(frame(9, b""))
            except OSError:
                return True
            return False

        wait_for(pings_in_vain, 60, "the socket to be cut off")


def test_bodies_that_trickle_are_bounded_by_user(world: World):
    person = Person(world, "trickle")
    body = b'{"sender_id":"'
    headers = {
        "Authorization": f"Bearer {person.token}",
        "Content_Type": "application/json",
        "Content_Length": "60000",
        "X_Forwarded_For": person.address,
    }
    begun = request("POST", "/chat-service/private/send", **headers) + body
    connections = [world.plain() for _ in range(60)]
    try:
        for plain in connections:
            plain.sendall(begun)
        statuses = []
        for plain in connections:
            answer = heard(plain)
            world.answers.append(answer)
            statuses.append(status_of(answer))
            if statuses[-1]:
                problem = json.loads(answer.partition(b"\r\n\r\n")[2])
                assert problem["policy"] == "bytes in flight per user"
                assert b"retry-after: " in answer
    finally:
        for plain in connections:
            plain.close()
    # The others were cut off when their time was over.
    assert set(statuses) == {0, 429}
    assert person.http.get("/chat-service/conversations").status_code == 200


def test_row_57_a_body_that_is_too_large_always_gets_413(world: World):
    person = Person(world, "large")

    async def send_all() -> list[int]:
        headers = {
            "Authorization": f"Bearer {person.token}",
            "X-Forwarded-For": person.address,
            "Content-Type": "application/json",
        }
        statuses = []
        async with httpx.AsyncClient(
            base_url=world.platform.url, headers=headers, timeout=60, trust_env=False
        ) as http:
            for size in (8, 8, 8, 8, 8, 8, 1, 12):
                text = b'{"message":"' + secrets.token_bytes(1).hex().encode() * (
                    size * MEGABYTE // 2
                )
                answer = await http.post("/chat-service/private/send", content=text + b'"}')
                statuses.append(answer.status_code)
        return statuses

    assert asyncio.run(send_all()) == [413] * 8
