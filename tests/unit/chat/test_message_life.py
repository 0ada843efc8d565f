"""Messages after they were sent: over sockets and RPCs, on one instance and on two."""

import asyncio

import grpc
import pytest

from chatterroom.chat.conversation import DeleteMessage, EditMessage, ReactToMessage
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, new_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.errors import error_from

from .conftest import (
    ALICE,
    BOB,
    CAROL,
    Instance,
    Service,
    create_room,
    post,
    post_private,
    receive,
    resume,
    say,
)


def fresh() -> ClientId:
    return ClientId(new_id())


async def test_an_edit_shows_in_the_log_and_in_the_message(instance: Instance):
    sent = (await instance.log.append(post_private("tpyo"))).entry
    edit = EditMessage(sent.conversation_id, ALICE, fresh(), 1, "typo")
    edited = (await instance.log.append(edit)).entry
    (message, change), _ = await instance.store.entries_after(sent.conversation_id, 0, 10)
    assert (message.message, message.edit_seqs, message.updated_at) == (
        "typo",
        (2,),
        edited.created_at,
    )
    assert change == edited


async def test_a_deletion_takes_the_text_out_of_the_message_and_of_its_edits(instance: Instance):
    sent = (await instance.log.append(post_private("secret one"))).entry
    conversation = sent.conversation_id
    for text in ("secret two", "secret three"):
        await instance.log.append(EditMessage(conversation, ALICE, fresh(), 1, text))
    await instance.log.append(DeleteMessage(conversation, ALICE, fresh(), 1))
    entries, _ = await instance.store.entries_after(conversation, 0, 10)
    assert "secret" not in repr(entries)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert entries[0].deleted
    with pytest.raises(ChatterRoomError) as refused:
        await instance.log.append(EditMessage(conversation, ALICE, fresh(), 1, "back"))
    assert refused.value.code is ErrorCode.MESSAGE_NOT_FOUND


async def test_changes_on_two_instances_at_once_are_all_there_in_one_order(
    instance: Instance, other: Instance
):
    room = create_room(BOB, CAROL)
    await instance.log.append(room)
    await instance.log.append(post(room.conversation_id))

    async def react(each: Instance, sender, emoji: str) -> None:
        command = ReactToMessage(room.conversation_id, sender, fresh(), 2, emoji)
        await each.log.append(command)

    people = ((instance, ALICE), (other, BOB), (other, CAROL))
    await asyncio.gather(
        *(react(each, sender, f"e{n}") for each, sender in people for n in range(5)),
        *(each.log.append(post(room.conversation_id, sender=who)) for each, who in people),
    )
    entries, _ = await instance.store.entries_after(room.conversation_id, 0, 100)
    assert [entry.seq for entry in entries] == list(range(1, 21))
    reactions = {(each.emoji, each.user_id) for each in entries[1].reactions}
    assert reactions == {(f"e{n}", who) for n in range(5) for who in (ALICE, BOB, CAROL)}
    assert len(entries[1].reactions) == 15


async def test_a_client_id_of_another_kind_of_request_is_refused(instance: Instance):
    room = create_room()
    await instance.log.append(room)
    await instance.log.append(post(room.conversation_id, client_id="c1"))
    edit = EditMessage(room.conversation_id, ALICE, ClientId("c1"), 2, "other")
    with pytest.raises(ChatterRoomError) as refused:
        await instance.log.append(edit)
    assert refused.value.code is ErrorCode.CLIENT_ID_REUSED


async def test_the_whole_life_of_a_message_over_the_socket(
    service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice, other_service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="send", ref="1", room_id=room, message="helo")
        sent = await receive(alice, "ack")
        message_id = sent["id"]
        steps = [
            (alice, {"type": "edit", "message": "hello"}, "message_edited"),
            (bob, {"type": "react", "emoji": "👍"}, "reaction_added"),
            (bob, {"type": "react", "emoji": "👍", "remove": True}, "reaction_removed"),
            (bob, {"type": "pin"}, "message_pinned"),
            (alice, {"type": "pin", "remove": True}, "message_unpinned"),
            (alice, {"type": "delete"}, "message_deleted"),
        ]
        for number, (socket, command, event_type) in enumerate(steps, start=3):
            await say(socket, ref="r", message_id=message_id, **command)
            for each in (alice, bob):
                event = await receive(each, event_type)
                assert (event["message_id"], event["seq"]) == (message_id, number)
            ack = await receive(socket, "ack")
            assert (ack["ref"], ack["seq"]) == ("r", number)
        await say(bob, type="send", room_id=room, message="what was it?", reply_to=message_id)
        assert (await receive(alice, "message"))["reply_to"] == message_id
    async with service.connect(BOB) as again:
        await receive(again, "ready")
        await say(again, type="resume", conversations={room: 1})
        events = [await receive(again) for _ in range(9)]
        assert [event["type"] for event in events] == [
            "message",
            *(event_type for _, _, event_type in steps),
            "message",
            "resumed",
        ]
        assert (events[0]["message"], events[0]["deleted"]) == ("", True)


async def test_what_a_former_member_repeats_is_acknowledged_as_it_was_stored(
    service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice, service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="send", room_id=room, message="tea?")
        asked = (await receive(bob, "message"))["id"]
        requests = [
            {"type": "send", "client_id": "answer", "room_id": room, "message": "yes"},
            {"type": "react", "client_id": "like", "message_id": asked, "emoji": "👍"},
        ]
        requests[0]["reply_to"] = asked
        stored = []
        for request in requests:
            await say(bob, **request)
            stored.append((await receive(bob, "ack"))["seq"])
        await say(alice, type="remove_member", room_id=room, user_id=BOB)
        await receive(bob, "member_removed")
    for each in (service, other_service):
        async with each.connect(BOB) as bob:
            await resume(bob)
            for request, seq in zip(requests, stored, strict=True):
                await say(bob, **request)
                again = await receive(bob)
                assert (again["type"], again["seq"], again["duplicate"]) == ("ack", seq, True)
                await say(bob, **{**request, "client_id": new_id()})
                assert (await receive(bob))["code"] == "message_not_found"


async def test_a_room_is_run_over_the_socket(service: Service):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice, service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="update_room", room_id=room, room_name="Coffee")
        assert (await receive(bob, "room_updated"))["room_name"] == "Coffee"
        await say(alice, type="add_member", room_id=room, user_id=CAROL)
        assert (await receive(bob, "member_added"))["user_id"] == CAROL
        await say(alice, type="change_role", room_id=room, user_id=BOB, role="admin")
        assert (await receive(bob, "role_changed"))["role"] == "admin"
        await say(bob, type="remove_member", room_id=room, user_id=CAROL)
        assert (await receive(alice, "member_removed"))["sender_id"] == BOB
        await say(bob, type="change_role", room_id=room, user_id=BOB, role="owner", ref="x")
        refused = await receive(bob, "error")
        assert (refused["code"], refused["ref"]) == ("not_allowed", "x")
        await say(alice, type="leave_room", room_id=room)
        assert (await receive(bob, "member_left"))["new_owner_id"] == BOB


async def test_marks_reach_the_others_and_ones_own_devices(
    service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    for number in range(3):
        await service.post(room, ALICE, f"{number}")
    async with (
        service.connect(ALICE) as alice,
        service.connect(BOB) as phone,
        other_service.connect(BOB) as desk,
    ):
        for socket in (alice, phone, desk):
            await resume(socket)
        await say(phone, type="mark", ref="m", conversation_id=room, delivered=3, read=2)
        marked = await receive(phone, "marked")
        assert (marked["ref"], marked["read_index"], marked["delivered_index"]) == ("m", 2, 3)
        assert marked["unread"] == 1
        for socket in (alice, desk):
            event = await receive(socket, "marks")
            assert event["marks"] == [{"user_id": BOB, "read_index": 2, "delivered_index": 3}]
        await say(phone, type="mark", conversation_id=room, read=1)
        assert (await receive(phone, "marked"))["read_index"] == 2, "the highest wins"
    request = chat_pb2.ListMarksRequest(conversation_id=room)
    marks = await service.stub.ListMarks(request, metadata=service.metadata(ALICE))
    found = {m.user_id: (m.read_index, m.delivered_index) for m in marks.marks}
    assert found == {ALICE: (3, 3), BOB: (2, 3)}


async def test_typing_reaches_the_others_only(service: Service, other_service: Service):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice, other_service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="typing", conversation_id=room)
        event = await receive(bob, "typing")
        assert (event["conversation_id"], event["user_id"]) == (room, ALICE)
        await say(alice, type="typing", conversation_id=new_id(), ref="t")
        assert (await receive(alice))["code"] == "conversation_not_found"


async def test_presence_is_shown_to_acquaintances_and_survives_a_reconnection(
    service: Service, other_service: Service, monkeypatch
):
    monkeypatch.setattr("chatterroom.chat.leases_redis.GRACE_S", 4.0)
    await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice:
        await resume(alice)
        await say(alice, type="watch_presence", ref="w", user_ids=[BOB, CAROL])
        first = await receive(alice, "presence")
        assert {each["user_id"]: each["online"] for each in first["users"]} == {
            BOB: False,
            CAROL: False,
        }
        async with other_service.connect(BOB) as bob, other_service.connect(CAROL) as carol:
            await resume(bob)
            await resume(carol)
            came = await receive(alice, "presence")
            assert came["users"] == [{"user_id": BOB, "online": True}], "Carol is a stranger"
        async with other_service.connect(BOB) as bob:
            await resume(bob)
        left = await receive(alice, "presence", timeout_s=30)
        assert left["users"] == [{"user_id": BOB, "online": False}], "no flapping in between"


async def test_newcomers_read_what_the_room_lets_them(service: Service):
    room = await service.create_room(ALICE, BOB)
    await service.post(room, ALICE, "before")
    settings = chat_pb2.RoomSettings(history="since_joining")
    request = chat_pb2.UpdateRoomRequest(room_id=room, user_id=ALICE, settings=settings)
    await service.stub.UpdateRoom(request, metadata=service.metadata(ALICE))
    await service.add(room, ALICE, CAROL)
    await service.post(room, ALICE, "after")
    history = chat_pb2.GetRoomHistoryRequest(room_id=room)
    for viewer, texts in ((BOB, ["before", "after"]), (CAROL, ["after"])):
        page = await service.stub.GetRoomHistory(history, metadata=service.metadata(viewer))
        assert [message.message for message in page.messages] == texts
    async with service.connect(CAROL) as socket:
        await receive(socket, "ready")
        await say(socket, type="resume", conversations={room: 0})
        assert [(await receive(socket))["type"] for _ in range(3)] == [
            "member_added",
            "message",
            "resumed",
        ]


async def test_a_batch_stores_each_send_or_says_why_not(service: Service):
    room = await service.create_room(ALICE)
    sends = [
        chat_pb2.SendRequest(sender_id=ALICE, room_id=room, message="one", client_id="c1"),
        chat_pb2.SendRequest(sender_id=BOB, room_id=room, message="not in here"),
        chat_pb2.SendRequest(sender_id=ALICE, receiver_id=BOB, message="two"),
        chat_pb2.SendRequest(sender_id=ALICE, room_id="?", message="three"),
        chat_pb2.SendRequest(sender_id=ALICE, room_id=room, message="four", client_id="c1"),
    ]
    batch = chat_pb2.SendMessagesRequest(sends=sends)
    answer = await service.stub.SendMessages(batch, metadata=service.metadata())
    assert [result.WhichOneof("outcome") for result in answer.results] == [
        "sent",
        "error",
        "sent",
        "error",
        "sent",
    ]
    first, stranger, _, malformed, repeat = answer.results
    assert (stranger.error.code, malformed.error.code) == ("room_not_found", "malformed_id")
    assert repeat.sent.duplicate
    assert repeat.sent.id == first.sent.id
    with pytest.raises(grpc.aio.AioRpcError):
        await service.stub.SendMessages(batch, metadata=service.metadata(ALICE))


async def test_a_stopping_instance_says_so_and_resuming_elsewhere_loses_nothing(
    service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(BOB) as socket:
        await resume(socket)
        service.stop.set()
        assert (await receive(socket, "going_away"))["within_s"] > 0
        await other_service.post(room, ALICE, "while you move")
        assert (await receive(socket, "message"))["seq"] == 2, "delivered until the end"
    async with other_service.connect(BOB) as socket:
        await receive(socket, "ready")
        await say(socket, type="resume", conversations={room: 2})
        assert (await receive(socket))["type"] == "resumed"


async def test_a_deleted_text_is_not_told_to_those_who_resume(service: Service):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice:
        await resume(alice)
        await say(alice, type="send", room_id=room, message="secret")
        sent = await receive(alice, "ack")
        await say(alice, type="delete", message_id=sent["id"])
        await receive(alice, "message_deleted")
        async with service.connect(BOB) as bob:
            await receive(bob, "ready")
            await say(bob, type="resume", conversations={room: 0})
            events = [await receive(bob) for _ in range(4)]
            assert "secret" not in repr(events)
            assert [event["type"] for event in events] == [
                "room_created",
                "message",
                "message_deleted",
                "resumed",
            ]


async def test_strangers_and_newcomers_cannot_touch_what_they_may_not_read(service: Service):
    room = await service.create_room(ALICE)
    sent = await service.post(room, ALICE, "before")
    missing = sent.id[:-1] + "9"
    settings = chat_pb2.RoomSettings(history="since_joining")
    hide = chat_pb2.UpdateRoomRequest(room_id=room, user_id=ALICE, settings=settings)
    await service.stub.UpdateRoom(hide, metadata=service.metadata(ALICE))
    await service.add(room, ALICE, CAROL)

    async def code(call) -> ErrorCode:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call
        error = error_from(failed.value)
        assert error is not None
        return error.code

    for user in (BOB, CAROL):
        for message_id in (sent.id, missing):
            reply = chat_pb2.SendRoomMessageRequest(
                room_id=room, sender_id=user, message="x", reply_to=message_id
            )
            react = chat_pb2.ReactToMessageRequest(message_id=message_id, user_id=user, emoji="👍")
            metadata = service.metadata(user)
            for call in (
                service.stub.SendRoomMessage(reply, metadata=metadata),
                service.stub.ReactToMessage(react, metadata=metadata),
            ):
                assert await code(call) is ErrorCode.MESSAGE_NOT_FOUND
