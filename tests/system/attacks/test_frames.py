# ruff: noqa: E501 -- a row of a table is a line
"""Rows 22, 23, 25, 27 to 29 and 33: what may not be sent on an open socket, on both of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.frames import Opcode

from .wire import WebSocket, closing, frame
from .world import USER_BURST, Person, World

TEXT, MORE, PING, PONG = Opcode.TEXT, Opcode.CONT, Opcode.PING, Opcode.PONG
LIMIT = 256 * 1024
BURST = 200

# What is sent, and the code of the close.
ENDED = {
    "25-text-not-utf-8": (frame(TEXT, b'{"type":"ping","ref":"\xff"}'), 1007),
    "25-surrogates": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "27-not-masked": (b"\x81\x02{}", 1002),
    "27-reserved-bit-1": (frame(TEXT, b"{}", rsv=4), 1002),
    "27-reserved-bit-2": (frame(TEXT, b"{}", rsv=2), 1002),
    "27-reserved-bit-3": (frame(PING, b"", rsv=1), 1002),
    "27-opcode-3": (frame(3, b"{}"), 1002),
    "27-opcode-15": (frame(15), 1002),
    "27-long-ping": (b"\x89\xfe\x00\x7e" + bytes(130), 1002),
    "27-ping-in-fragments": (frame(PING, b"a", fin=False), 1002),
    "27-fragment-of-nothing": (frame(MORE, b"{}"), 1002),
    "27-text-within-a-text": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "27-binary": (frame(Opcode.BINARY, b"\0"), 1003),
    # RFC 6455 forbids the highest bit altogether, so this is not merely too much.
    "28-claims-2-63": (b"\x81\xff" + (2**63).to_bytes(8) + bytes(4), 1002),
    "28-claims-2-62": (b"\x81\xff" + (2**62).to_bytes(8) + bytes(4), 1009),
    "28-one-byte-too-much": (frame(TEXT, b" " * (LIMIT + 1)), 1009),
    "28-endless-fragments": (
        frame(TEXT, b" ", fin=False) + frame(MORE, b" " * 65536, fin=False) * 5,
        1009,
    ),
    "29-pings": (frame(PING) * 2 * BURST, 4429),
    "29-pongs": (frame(PONG) * 2 * BURST, 4429),
    "29-fragments-of-a-byte": (frame(TEXT, b" ", fin=False) + frame(MORE, b" ", fin=False) * 2 * BURST, 4429),
    "29-fragments-of-nothing": (frame(TEXT, fin=False) + frame(MORE, fin=False) * 2 * BURST, 4429),
    "33-messages": (frame(TEXT, b'{"type":"ping"}') * 2 * BURST, 4429),
}  # fmt: skip
# What is answered with an error, and the socket goes on.
ANSWERED = {
    "23-deep-lists": b"[" * 100_000 + b"]" * 100_000,
    "23-deep-in-a-command": b'{"type":"ping","ref":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "23-deep-and-skipped": b'{"type":"ping","x":' + b'{"a":' * 30_000 + b"1" + b"}" * 30_000 + b"}",
    "24-nan": b'{"type":"ping","ref":NaN}',
    "24-1e999": b'{"type":"ping","ref":1e999}',
    "24-5000-digits": b'{"type":"ping","ref":' + b"9" * 5000 + b"}",
    "24-lone-surrogate": b'{"type":"ping","ref":"\\ud800"}',
    "18-operators": b'{"type":{"$ne":null}}',
    "19-no-command": b'{"type":"shutdown"}',
    "19-nothing": b"",
    "19-a-list": b"[]",
}


@contextmanager
def opened(person: Person, path: str) -> Iterator[WebSocket]:
    with person.open(path) as socket:
        socket.hear("ready")
        yield socket


def still_works(person: Person, path: str) -> bool:
    with opened(person, path) as socket:
        socket.say(type="ping", ref="here")
        return socket.hear("pong")["ref"] == "here"


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/alert"])
@pytest.mark.parametrize("name", ENDED, ids=lambda name: f"row-{name}")
def test_frames_that_end_the_socket(mallory: Person, name: str, path: str):
    sent, code = ENDED[name]
    with opened(mallory, path) as socket:
        # Who sends much must read meanwhile, or both would wait for each other.
        sending = threading.Thread(target=socket.send, args=(sent,))
        sending.start()
        assert socket.closed_with() == code
        sending.join()
    assert still_works(mallory, path)


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/alert"])
@pytest.mark.parametrize("name", ANSWERED, ids=lambda name: f"row-{name}")
def test_messages_that_are_answered_with_an_error(mallory: Person, name: str, path: str):
    with opened(mallory, path) as socket:
        socket.send(frame(TEXT, ANSWERED[name]))
        assert socket.hear("error")["code"] in {"malformed_json", "invalid_request"}
        socket.say(type="ping", ref="next")
        assert socket.hear("pong")["ref"] == "next"
        socket.send(closing())
        assert socket.closed_with() == 1000


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/alert"])
def test_row_22_compression_is_not_agreed_upon(mallory: Person, path: str):
    offered = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"
    with mallory.open(path, Sec_WebSocket_Extensions=offered) as socket:
        assert socket.is_open
        assert b"sec-websocket-extensions" not in socket.head.lower()


def test_row_33_others_in_the_room_do_not_notice_a_flood(world: World, mallory: Person):
    with opened(world.bob, "/ws/chat") as peer, opened(mallory, "/ws/chat") as socket:
        peer.say(type="resume")
        peer.hear("resumed")
        for number in range(2 * BURST):
            socket.say(type="send", room_id=world.shared_room, message=f"spam {number}")
        assert socket.closed_with() == 4429
        sent = world.alice.write(world.shared_room, "hello")
        assert sent.status_code == 200, sent.text
        while peer.hear("message")["message"] != "hello":
            pass
        peer.say(type="ping", ref="1")
        assert peer.hear("pong")["ref"] == "1"


def test_row_33_requests_in_a_flood_get_429_and_others_are_served(world: World):
    flooder = Person(world, "flooder")
    for _ in range(2 * USER_BURST):
        answer = flooder.http.get("/chat-service/blocks")
        if answer.status_code != 200:
            break
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert world.bob.http.get("/chat-service/conversations").status_code == 200
