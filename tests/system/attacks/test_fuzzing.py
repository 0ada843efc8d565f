"""Frames and commands that nobody would write, on both sockets, through the gateway and past it.

The same ones in every run. What is found becomes a case of its own in test_frames.py or
tests/unit/sockets/test_conformance.py.
"""

import json
import random
import socket as kernel
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Opcode

from chatterroom.chat.commands import ClientCommand
from chatterroom.sockets.frames import CloseCode

from .services import websocket_port
from .wire import WebSocket, closing, frame
from .world import NOBODY, Person, World

DOORS = [(path, door) for path in ("/ws/chat", "/ws/alert") for door in ("gateway", "service")]
# Those for what went wrong with the client, and none for what went wrong with us.
CODES = {1000, *CloseCode} - {CloseCode.INTERNAL_ERROR, CloseCode.TRY_AGAIN_LATER}
seeded = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
opcodes = st.one_of(st.sampled_from([int(code) for code in Opcode]), st.integers(0, 15))
payloads = st.one_of(
    st.binary(max_size=130),
    st.text(max_size=40).map(str.encode),
    st.sampled_from([b"", b"{}", b'{"type":"ping"}', b"\xff\xfe", b"[" * 500, b"\0" * 70_000]),
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Draw a frame, most often one with something wrong about it."""
    fin = draw(st.booleans())
    rsv = draw(st.sampled_from([0, 0, 0, 1, 2, 4, 7]))
    made = bytearray(frame(draw(opcodes), draw(payloads), fin=fin, rsv=rsv))
    match draw(st.sampled_from(["as it is", "as it is", "unmasked", "length", "cut", "flipped"])):
        case "unmasked":
            made[1] &= 0x7F
        case "length":
            made[1] = (made[1] & 0x80) | draw(st.integers(0, 127))
        case "cut":
            del made[draw(st.integers(1, len(made))) :]
        case "flipped":
            place = draw(st.integers(0, min(len(made) - 1, 14)))
            made[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(made)


def open_at(world: World, person: Person, path: str, door: str) -> Any:
    port = 0 if door == "gateway" else websocket_port(world, "chat" if "chat" in path else "users")
    headers = {
        "Authorization": f"Bearer {person.token}",
        "X_Forwarded_For": person.address,
        "Sec_WebSocket_Protocol": "chatterroom.v1",
    }
    return world.open(f"{path}?userId={person.id}", port, **headers)


def said_until_the_end(opened: WebSocket) -> int | None:
    """Return the code of the close; what comes before it must be events, pings and pongs."""
    code = None
    while (found := opened.next()) is not None:
        opcode, data = found
        assert opcode in {Opcode.TEXT, Opcode.PING, Opcode.PONG, Opcode.CLOSE}
        if opcode is Opcode.CLOSE:
            code = Close.parse(data).code
            opened.send(frame(Opcode.CLOSE, data))
        elif opcode is Opcode.TEXT:
            assert json.loads(data).get("code") != "internal", data
    return code


@pytest.mark.parametrize(("path", "door"), DOORS)
def test_whatever_frames_come_a_socket_ends_with_a_code_and_the_next_works(
    world: World, path: str, door: str
):
    person = Person(world, "fuzz")

    @seeded
    @given(st.lists(frames(), min_size=1, max_size=6), st.integers(0, 2**32))
    def try_out(sent: list[bytes], shuffled: int) -> None:
        with open_at(world, person, path, door) as opened:
            assert opened.is_open, opened.head
            data = b"".join(sent) + closing()
            # Whichever way it is cut into segments.
            cut = random.Random(shuffled).randrange(len(data))
            opened.send(data[:cut])
            opened.send(data[cut:])
            # A frame that claims more than was sent would be waited for.
            with suppress(OSError):
                opened.plain.shutdown(kernel.SHUT_WR)
            code = said_until_the_end(opened)
            assert code is None or code in CODES, code

    try_out()
    with open_at(world, person, path, door) as opened:
        opened.say(type="ping", ref="alive")
        assert opened.hear("pong")["ref"] == "alive"


COMMANDS = {command.__struct_config__.tag: command for command in get_args(ClientCommand)}
FIELDS = sorted({name for each in COMMANDS.values() for name in each.__struct_fields__})
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from([NOBODY, f"{NOBODY}-000000000001", f"p{NOBODY}", "owner", "x" * 9000]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def commands(draw: st.DrawFn, room: str, user: str) -> dict[str, Any]:
    """Draw a command that exists with fields that are right, wrong or strange."""
    tag = draw(st.sampled_from(sorted(map(str, COMMANDS))))
    real = {
        "room_id": room,
        "conversation_id": room,
        "user_id": user,
        "receiver_id": user,
        "message": "hello",
        "message_id": f"{room}-000000000002",
        "reply_to": f"{room}-000000000002",
        "emoji": "👍",
        "role": "admin",
        "user_ids": [user],
        "conversations": {room: 0},
    }
    names = draw(st.sets(st.sampled_from(FIELDS), max_size=4)) | set(
        COMMANDS[tag].__struct_fields__
    )
    command: dict[str, Any] = {"type": tag}
    for name in sorted(names):
        if name != "ref" and draw(st.integers(0, 9)):
            command[name] = (
                real[name] if name in real and draw(st.integers(0, 3)) else draw(anything)
            )
    return command


@pytest.mark.parametrize(("path", "door"), DOORS)
def test_whatever_commands_come_each_is_answered_and_none_breaks_anything(
    world: World, path: str, door: str
):
    person = Person(world, "fuzz")
    room = person.create_room(world.bob)
    person.write(room, "something to change")

    @seeded
    @given(st.lists(commands(room, world.bob.id), min_size=1, max_size=8))
    def try_out(sent: list[dict[str, Any]]) -> None:
        with open_at(world, person, path, door) as opened:
            for number, command in enumerate(sent):
                opened.say(**command, ref=f"{number}")
            opened.say(type="ping", ref="last")
            while (event := next_event(opened)) != {"type": "pong", "ref": "last"}:
                assert event.get("code") not in {"internal", "storage_unavailable"}, (event, sent)
            opened.send(closing())

    try_out()


def next_event(opened: WebSocket) -> dict[str, Any]:
    found = opened.next()
    assert found is not None, "the connection has ended"
    assert found[0] is Opcode.TEXT, found
    return msgspec.json.decode(found[1])
