"""One user against all, rows 8 and 9: many sockets, many calls, and still one user."""

import asyncio
import json
import time
from contextlib import ExitStack

from chatterroom.client import Client

from .wire import WebSocket
from .world import CHANGES_BURST, MESSAGES_BURST, SOCKETS_PER_USER, Person, World

PER_SOCKET = 100
SLACK_S = 1.0


def live(socket: WebSocket) -> WebSocket:
    socket.hear("ready")
    socket.say(type="resume")
    socket.hear("resumed")
    return socket


def answers_to(socket: WebSocket, refs: int) -> list[dict]:
    """Return the answers to commands with a ref."""
    found = []
    while len(found) < refs:
        frame = socket.next()
        assert frame is not None
        event = json.loads(frame[1])
        if event["type"] in {"ack", "error"} and event.get("ref"):
            found.append(event)
    return found


def test_row_8_many_sockets_of_a_user_send_no_more_than_one(world: World):
    flooder, neighbour = Person(world, "flooder"), Person(world, "neighbour")
    room = flooder.create_room(neighbour)
    begun = time.monotonic()
    with ExitStack() as many:
        sockets = [live(many.enter_context(flooder.open())) for _ in range(SOCKETS_PER_USER)]
        for number in range(PER_SOCKET):
            for at, socket in enumerate(sockets):
                socket.say(
                    type="send",
                    ref=f"{at}.{number}",
                    client_id=f"{at}.{number}",
                    room_id=room,
                    message="flood",
                )
        answers = [each for socket in sockets for each in answers_to(socket, PER_SOCKET)]
    took_s = time.monotonic() - begun
    stored = [each for each in answers if each["type"] == "ack"]
    refused = [each for each in answers if each["type"] == "error"]
    assert MESSAGES_BURST <= len(stored) <= MESSAGES_BURST + 20 * (took_s + SLACK_S)
    assert {(each["code"], each["policy"]) for each in refused} == {("rate_limited", "messages")}
    assert all(each["retry_after_s"] > 0 for each in refused)
    # The same user is refused on every other way in; others in the room are not.
    statuses = [flooder.write(room, "by http") for _ in range(40)]
    limited = [answer for answer in statuses if answer.status_code == 429]
    assert limited
    assert limited[0].json()["policy"] == "messages"
    assert int(limited[0].headers["retry-after"]) >= 1
    assert neighbour.write(room, "still here").status_code == 200
    # What was stored is in one order, without holes.
    assert sorted(each["seq"] for each in stored) == list(range(2, len(stored) + 2))


def test_row_8_reactions_and_pins_are_counted_together(world: World):
    fidget = Person(world, "fidget")
    room = fidget.create_room()
    fidget.write(room, "hello")
    with fidget.open(room_id=room) as socket:
        live(socket)
        message_id = f"{room}-000000000002"
        total = CHANGES_BURST + 100
        begun = time.monotonic()
        for number in range(total):
            kind = ("react", "pin")[number % 2]
            more = {"emoji": "👍"} if kind == "react" else {}
            remove = number % 4 > 1
            socket.say(type=kind, ref=f"{number}", message_id=message_id, remove=remove, **more)
            if number % 20 == 19:
                time.sleep(0.3)  # less than what a single socket may send
        answers = answers_to(socket, total)
        took_s = time.monotonic() - begun
    done = [each for each in answers if each.get("policy") != "changes"]
    assert len(done) <= CHANGES_BURST + 10 * (took_s + SLACK_S)
    assert len(done) < total
    assert len(done) >= CHANGES_BURST - 1


def test_row_9_typing_is_delivered_once_a_second_whatever_way_it_comes(world: World):
    typist, reader = Person(world, "typist"), Person(world, "reader")
    room = typist.create_room(reader)
    with reader.open() as heard, typist.open() as one, typist.open(room_id=room) as other:
        for socket in (heard, one, other):
            live(socket)
        begun = time.monotonic()
        statuses = []
        for number in range(60):
            one.say(type="typing", conversation_id=room)
            other.say(type="typing", conversation_id=room)
            if number % 2:
                path = f"/chat-service/conversations/{room}/typing"
                statuses.append(typist.http.post(path).status_code)
        one.say(type="ping", ref="p")
        one.hear("pong")
        took_s = time.monotonic() - begun
        assert set(statuses) <= {200, 429}
        assert statuses.count(429) >= len(statuses) - took_s - 2
        reader.write(room, "enough")
        count = 0
        while (found := heard.next()) is not None and b'"type":"message"' not in found[1]:
            count += b'"type":"typing"' in found[1]
        assert found is not None
        assert 1 <= count <= took_s + 2


def test_one_typing_is_delivered_once(world: World):
    typist, reader = Person(world, "typist"), Person(world, "reader")
    room = typist.create_room(reader)
    with reader.open() as heard, typist.open() as typing:
        for socket in (heard, typing):
            live(socket)
        typing.say(type="typing", conversation_id=room)
        typing.say(type="send", room_id=room, message="there")
        kinds = []
        while not kinds or kinds[-1] != "message":
            found = heard.next()
            assert found is not None
            kinds.append(json.loads(found[1])["type"])
        assert kinds == ["typing", "message"]


def test_row_9_a_mark_is_told_once(world: World):
    writer, reader = Person(world, "writer"), Person(world, "marker")
    room = writer.create_room(reader)
    writer.write(room, "hello")
    with writer.open() as heard, reader.open() as marking:
        for socket in (heard, marking):
            live(socket)
        marking.say(type="mark", ref="m", conversation_id=room, read=1)
        assert marking.hear("marked")["unread"] == 0
        assert heard.hear("marks")["marks"] == [
            {"user_id": reader.id, "read_index": 1, "delivered_index": 1}
        ]


def test_honest_sessions_that_are_over_the_limit_wait_and_get_everything_stored(world: World):
    eager = Person(world, "eager")
    room = eager.create_room()
    each = (MESSAGES_BURST + 120) // 2

    async def send_all() -> list[int]:
        async with Client(world.platform.url) as client:
            await client.login(eager.email, eager.password)
            async with client.session() as first, client.session() as second:
                sends = [
                    session.send(f"{number}", room_id=room)
                    for number in range(each)
                    for session in (first, second)
                ]
                return [ack.message_index for ack in await asyncio.gather(*sends)]

    assert sorted(asyncio.run(send_all())) == list(range(1, 2 * each + 1))
