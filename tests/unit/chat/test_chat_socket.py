import asyncio
import json
from datetime import timedelta

import pytest
import websockets

from chatterroom.core import times
from chatterroom.core.ids import new_id, private_conversation_id

from .conftest import ALICE, BOB, CAROL, Service, receive, resume, say


async def test_wscat_is_enough_to_chat(service: Service):
    room = await service.create_room(ALICE, BOB)
    async with (
        service.connect(ALICE, room, simple=True) as alice,
        service.connect(BOB, room, simple=True) as bob,
    ):
        await receive(alice, "ready")
        await receive(bob, "ready")
        await alice.send("hello")
        for socket in (alice, bob):
            event = await receive(socket)
            assert (event["type"], event["message"], event["seq"]) == ("message", "hello", 2)
            assert event["room_id"] == event["conversation_id"] == room
            assert event["sender_id"] == ALICE
            assert event["created_at"].endswith("Z")


async def test_a_send_is_acknowledged_with_its_place_and_its_ref(service: Service):
    room = await service.create_room(ALICE)
    async with service.connect(ALICE, room) as socket:
        await resume(socket)
        await say(socket, type="send", ref="r1", client_id="c1", message="hello")
        ack = await receive(socket, "ack")
        assert (ack["ref"], ack["client_id"], ack["seq"], ack["duplicate"]) == (
            "r1",
            "c1",
            2,
            False,
        )
        await say(socket, type="send", ref="r2", client_id="c1", message="hello")
        again = await receive(socket, "ack")
        assert (again["ref"], again["id"], again["duplicate"]) == ("r2", ack["id"], True)


async def test_members_on_both_instances_see_one_order_without_holes(
    service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE, room) as alice, other_service.connect(BOB, room) as bob:
        await resume(alice)
        await resume(bob)
        for number in range(50):
            await say(alice, type="send", message=f"a{number}")
            await say(bob, type="send", message=f"b{number}")
        seen = []
        for socket in (alice, bob):
            events = [await receive(socket, "message") for _ in range(100)]
            assert [event["seq"] for event in events] == list(range(2, 102))
            seen.append([event["message"] for event in events])
        assert seen[0] == seen[1]
        assert [text for text in seen[0] if text[0] == "a"] == [f"a{n}" for n in range(50)]


async def test_a_private_message_reaches_both_users_on_every_instance(
    service: Service, other_service: Service
):
    async with (
        service.connect(ALICE) as alice,
        other_service.connect(BOB) as bob,
        service.connect(CAROL) as carol,
    ):
        for socket in (alice, bob, carol):
            await resume(socket)
        await say(alice, type="send", ref="1", receiver_id=BOB, message="psst")
        conversation = private_conversation_id(ALICE, BOB)
        for socket in (alice, bob):
            event = await receive(socket, "message")
            assert event["conversation_id"] == conversation
            assert (event["receiver_id"], event["message"]) == (BOB, "psst")
        await say(bob, type="send", receiver_id=ALICE, message="what?")
        assert (await receive(alice, "message"))["message"] == "what?"
        await say(carol, type="ping", ref="p")
        assert (await receive(carol))["type"] == "pong"


async def test_resume_brings_exactly_what_was_missed(service: Service):
    room = await service.create_room(ALICE, BOB)
    for number in range(3):
        await service.post(room, ALICE, f"{number}")
    async with service.connect(ALICE, room) as writer:
        await resume(writer)
        for number in range(100):
            await say(writer, type="send", message=f"{number}")
        for _ in range(100):
            await receive(writer, "ack")
    async with service.connect(BOB) as socket:
        ready = await receive(socket, "ready")
        assert ready["conversations"] == [
            {
                "conversation_id": room,
                "seq": 104,
                "joined_seq": 1,
                "read_index": 0,
                "delivered_index": 0,
            }
        ]
        await say(socket, type="resume", ref="r", conversations={room: 40})
        events = [await receive(socket) for _ in range(65)]
        assert [event["seq"] for event in events[:-1]] == list(range(41, 105))
        assert events[-1] == {
            "type": "resumed",
            "ref": "r",
            "conversations": {room: 104},
            "unknown": [],
        }


async def test_nothing_slips_between_what_was_missed_and_what_happens(service: Service):
    room = await service.create_room(ALICE, BOB)

    async def write() -> None:
        for number in range(150):
            await service.post(room, ALICE, f"{number}")

    async def join_and_read() -> list[int]:
        async with service.connect(BOB, room) as socket:
            await receive(socket, "ready")
            await say(socket, type="resume", conversations={room: 0})
            seqs: list[int] = []
            while not seqs or seqs[-1] < 151:
                event = await receive(socket)
                if event["type"] != "resumed":
                    seqs.append(event["seq"])
            return seqs

    writing = asyncio.create_task(write())
    readers = await asyncio.gather(*(join_and_read() for _ in range(10)))
    await writing
    assert all(seqs == list(range(1, 152)) for seqs in readers)


async def test_a_room_appears_on_the_sockets_of_those_added(
    service: Service, other_service: Service
):
    async with service.connect(BOB) as bob, other_service.connect(CAROL) as carol:
        await resume(bob)
        await resume(carol)
        room = await other_service.create_room(ALICE, BOB)
        created = await receive(bob, "room_created")
        assert (created["room_id"], created["members_ids"]) == (room, [ALICE, BOB])
        await service.add(room, BOB, CAROL)
        assert (await receive(carol, "member_added"))["user_id"] == CAROL
        await service.post(room, ALICE, "welcome")
        assert (await receive(carol, "message"))["message"] == "welcome"


async def test_after_leaving_nothing_more_is_delivered(service: Service, other_service: Service):
    room = await service.create_room(ALICE, BOB)
    async with other_service.connect(BOB) as session, other_service.connect(BOB, room) as in_room:
        await resume(session)
        await resume(in_room)
        await service.leave(room, BOB)
        await service.post(room, ALICE, "gone?")
        assert (await receive(session))["type"] == "member_left"
        assert (await receive(in_room))["type"] == "member_left"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(in_room)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        await say(session, type="ping")
        assert (await receive(session))["type"] == "pong"
        await say(session, type="send", room_id=room, message="let me in")
        assert (await receive(session))["code"] == "room_not_found"


async def test_one_who_left_and_came_back_resumes_over_both(service: Service):
    room = await service.create_room(ALICE, BOB)
    await service.leave(room, BOB)
    await service.add(room, ALICE, BOB)
    async with service.connect(BOB) as socket:
        await receive(socket, "ready")
        await say(socket, type="resume", conversations={room: 1})
        assert [(await receive(socket))["type"] for _ in range(3)] == [
            "member_left",
            "member_added",
            "resumed",
        ]
        await service.post(room, ALICE, "back again")
        assert (await receive(socket))["message"] == "back again"


async def test_hints_lost_with_redis_only_delay(
    service: Service, other_service: Service, redis_admin
):
    room = await service.create_room(ALICE, BOB)
    async with other_service.connect(BOB, room) as socket:
        await resume(socket)
        for client in redis_admin.client_list(_type="pubsub"):
            redis_admin.client_kill_filter(_id=client["id"])
        await service.post(room, ALICE, "did you get it?")
        assert (await receive(socket, "message"))["message"] == "did you get it?"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "malformed_json"),
        ("[]", "invalid_request"),
        ('{"type":"fly"}', "invalid_request"),
        ('{"type":"send"}', "invalid_request"),
        ('{"type":"send","message":{"$ne":null}}', "invalid_request"),
        ('{"type":"send","message":"   "}', "empty_message"),
        (json.dumps({"type": "send", "message": "x" * 8001}), "message_too_long"),
        ('{"type":"send","message":"hi","room_id":"../.."}', "malformed_id"),
        ('{"type":"send","message":"hi","receiver_id":"7"}', "malformed_id"),
        ('{"type":"send","message":"hi","client_id":""}', "malformed_id"),
        ('{"type":"resume","conversations":{"x":-1}}', "invalid_request"),
        ('{"type":"resume"}', "invalid_request"),
        ('{"type":"ping","x":' + "[" * 30_000, "malformed_json"),
    ],
)
async def test_bad_input_gets_an_error_and_the_next_send_works(
    service: Service, sent: str, code: str
):
    room = await service.create_room(ALICE)
    async with service.connect(ALICE, room) as socket:
        await resume(socket)
        await socket.send(sent)
        assert (await receive(socket))["code"] == code
        await say(socket, type="send", message="honest")
        assert (await receive(socket, "ack"))["seq"] == 2


async def test_an_error_echoes_the_ref_of_the_command(service: Service):
    room = await service.create_room(ALICE)
    async with service.connect(ALICE, room) as socket:
        await resume(socket)
        await say(socket, type="send", ref="r7")
        assert (await receive(socket, "error"))["ref"] == "r7"


@pytest.mark.parametrize("room", ["other", "missing"])
async def test_a_room_one_is_not_in_looks_like_one_that_does_not_exist(service: Service, room: str):
    room_id = await service.create_room(BOB) if room == "other" else new_id()
    async with service.connect(ALICE, room_id) as socket:
        assert (await receive(socket))["code"] == "room_not_found"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4404


async def test_no_socket_without_a_token(service: Service):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{service.url}?userId={ALICE}", proxy=None)
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["code"] == "token_missing"


async def test_no_socket_for_somebody_else(service: Service):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await service.connect(BOB, token=service.token(ALICE))
    assert refused.value.response.status_code == 403


async def test_a_socket_is_closed_when_its_token_expires(service: Service):
    almost = times.now() - timedelta(seconds=896)
    async with service.connect(ALICE, token=service.token(ALICE, almost)) as socket:
        await receive(socket, "ready")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
