"""A user whose account is gone leaves all rooms, and only the rooms."""

import asyncio
import json

from pymongo import AsyncMongoClient

from chatterroom.chat import actions
from chatterroom.core.errors import ErrorCode
from chatterroom.pb import chat_pb2

from .conftest import ALICE, BOB, CAROL, Service, receive, resume
from .test_servicer_grpc import code_of, conversations, private_history, send_private


async def forget(service: Service, user_id, caller=None) -> int:
    request = chat_pb2.ForgetUserRequest(user_id=user_id)
    answer = await service.stub.ForgetUser(request, metadata=service.metadata(caller))
    return answer.rooms_left


async def members(service: Service, viewer, room_id: str) -> dict[str, str]:
    request = chat_pb2.GetRoomRequest(room_id=room_id)
    room = await service.stub.GetRoom(request, metadata=service.metadata(viewer))
    return {member.user_id: member.role for member in room.members}


async def test_a_forgotten_user_leaves_all_rooms_and_hands_over_their_own(service: Service):
    hers = await service.create_room(ALICE, BOB)
    await service.add(hers, ALICE, CAROL)
    his = await service.create_room(BOB, ALICE)
    alone = await service.create_room(ALICE)
    await service.post(hers, ALICE, "stays")
    assert await forget(service, ALICE) == 3
    assert await members(service, BOB, his) == {BOB: "owner"}
    assert await members(service, BOB, hers) == {BOB: "owner", CAROL: "member"}
    request = chat_pb2.GetRoomHistoryRequest(room_id=hers)
    history = await service.stub.GetRoomHistory(request, metadata=service.metadata(BOB))
    assert [(each.sender_id, each.message) for each in history.messages] == [(ALICE, "stays")]
    reading = service.stub.GetRoom(
        chat_pb2.GetRoomRequest(room_id=alone), metadata=service.metadata(ALICE)
    )
    assert await code_of(reading) is ErrorCode.ROOM_NOT_FOUND


async def test_forgetting_again_does_nothing(service: Service):
    await service.create_room(BOB, ALICE)
    assert await forget(service, ALICE) == 1
    assert await forget(service, ALICE) == 0


async def test_rooms_are_left_some_at_a_time_until_none_is_left(service: Service, monkeypatch):
    monkeypatch.setattr(actions, "_LEFT_AT_ONCE", 2)
    rooms = [await service.create_room(BOB, ALICE) for _ in range(5)]
    await send_private(service, ALICE, CAROL, "stays")
    assert [await forget(service, ALICE) for _ in range(4)] == [2, 2, 1, 0]
    for room in rooms:
        assert await members(service, BOB, room) == {BOB: "owner"}


async def test_a_room_that_cannot_be_left_keeps_nobody_in_the_others(
    service: Service, other_service: Service, mongo_url
):
    rooms = [await service.create_room(BOB, ALICE) for _ in range(4)]
    async with AsyncMongoClient(mongo_url) as client:
        damage = {"$set": {"members": "damaged"}}
        await client.get_default_database().rooms.update_one({"_id": rooms[1]}, damage)
    # This one has not read the rooms before.
    assert await forget(other_service, ALICE) == 3
    for room in (rooms[0], *rooms[2:]):
        assert await members(service, BOB, room) == {BOB: "owner"}
    assert await code_of(forget(other_service, ALICE)) is ErrorCode.INTERNAL


async def test_two_who_forget_at_once_leave_each_room_once(service: Service):
    rooms = [await service.create_room(BOB, ALICE) for _ in range(5)]
    left = await asyncio.gather(*(forget(service, ALICE) for _ in range(2)))
    assert sum(left) == 5
    for room in rooms:
        assert await members(service, BOB, room) == {BOB: "owner"}


async def test_private_chats_stay_to_the_other_side(service: Service):
    await send_private(service, ALICE, BOB, "stays")
    assert await forget(service, ALICE) == 0
    assert [each.message for each in (await private_history(service, BOB, ALICE)).messages] == [
        "stays"
    ]
    [conversation] = (await conversations(service, BOB)).conversations
    assert conversation.peer_id == ALICE


async def test_nobody_writes_to_a_forgotten_user_any_more(service: Service):
    await send_private(service, ALICE, BOB, "stays")
    await forget(service, ALICE)
    assert await code_of(send_private(service, BOB, ALICE, "late")) is ErrorCode.USER_NOT_FOUND
    async with service.connect(BOB) as socket:
        await resume(socket)
        await socket.send(json.dumps({"type": "send", "receiver_id": ALICE, "message": "late"}))
        assert (await receive(socket, "error"))["code"] == "user_not_found"
    await send_private(service, BOB, CAROL, "in time")
    history = await private_history(service, BOB, ALICE)
    assert [each.message for each in history.messages] == ["stays"]


async def test_the_others_hear_that_a_forgotten_user_has_left(service: Service):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(BOB) as socket:
        await resume(socket)
        await forget(service, ALICE)
        event = await receive(socket, "member_left")
    assert (event["user_id"], event["new_owner_id"], event["room_id"]) == (ALICE, BOB, room)


async def test_only_services_make_the_chat_forget(service: Service):
    await service.create_room(BOB, ALICE)
    assert await code_of(forget(service, ALICE, caller=BOB)) is ErrorCode.NOT_ALLOWED
    assert await code_of(forget(service, ALICE, caller=ALICE)) is ErrorCode.NOT_ALLOWED
    assert await code_of(forget(service, "x")) is ErrorCode.MALFORMED_ID
