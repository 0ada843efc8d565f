"""Many members: a bounded number at first, then step by step, each an entry of its own."""

import grpc
import grpc.aio
import pytest

from chatterroom.chat.conversation import MAX_MEMBERS_AT_ONCE
from chatterroom.core.ids import UserId, new_id
from chatterroom.pb import chat_pb2

from .conftest import ALICE, BOB, CAROL, Service, receive, resume, say

MANY = [UserId(new_id()) for _ in range(MAX_MEMBERS_AT_ONCE)]


async def add(service: Service, room: str, *users: UserId, actor: UserId = ALICE, client: str = ""):
    request = chat_pb2.AddUserToRoomRequest(room_id=room, user_ids=users, client_id=client)
    return await service.stub.AddUserToRoom(request, metadata=service.metadata(actor))


async def members(service: Service, room: str) -> set[str]:
    request = chat_pb2.GetRoomRequest(room_id=room)
    shown = await service.stub.GetRoom(request, metadata=service.metadata(ALICE))
    return {member.user_id for member in shown.members}


async def refused(call) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code()


async def test_a_room_begins_with_a_hundred_others_and_no_more(service: Service):
    room = await service.create_room(ALICE, *MANY)
    assert await members(service, room) == {ALICE, *MANY}
    too_many = service.create_room(ALICE, *MANY, BOB)
    assert await refused(too_many) is grpc.StatusCode.INVALID_ARGUMENT
    # Oneself, and somebody named twice, count once.
    assert await service.create_room(ALICE, *MANY, ALICE, MANY[0])


async def test_several_are_added_one_after_the_other_and_who_is_in_is_left_out(service: Service):
    room = await service.create_room(ALICE, BOB)
    answer = await add(service, room, BOB, *MANY[:20], MANY[0])
    assert (answer.added, answer.seq) == (20, 21)
    assert await members(service, room) == {ALICE, BOB, *MANY[:20]}
    assert await refused(add(service, room, *MANY[:20])) is grpc.StatusCode.ALREADY_EXISTS
    too_many = add(service, room, *MANY, CAROL)
    assert await refused(too_many) is grpc.StatusCode.INVALID_ARGUMENT
    stranger = add(service, room, CAROL, actor=CAROL)
    assert await refused(stranger) is grpc.StatusCode.NOT_FOUND


async def test_a_repeated_step_goes_on_where_the_first_has_stopped(service: Service):
    room = await service.create_room(ALICE)
    first = await add(service, room, *MANY[:5], client="step")
    assert first.added == 5
    again = await add(service, room, *MANY[:5], client="step")
    assert (again.added, again.seq) == (0, first.seq)
    further = await add(service, room, *MANY[:8], client="step")
    assert (further.added, further.seq) == (3, first.seq + 3)


async def test_one_user_and_several_can_be_named_in_one_request(service: Service):
    room = await service.create_room(ALICE)
    request = chat_pb2.AddUserToRoomRequest(room_id=room, user_id=BOB, user_ids=[CAROL])
    answer = await service.stub.AddUserToRoom(request, metadata=service.metadata(ALICE))
    assert answer.added == 2
    assert await members(service, room) == {ALICE, BOB, CAROL}
    nobody = chat_pb2.AddUserToRoomRequest(room_id=room)
    call = service.stub.AddUserToRoom(nobody, metadata=service.metadata(ALICE))
    assert await refused(call) is grpc.StatusCode.INVALID_ARGUMENT


async def test_several_are_added_on_a_socket(service: Service):
    room = await service.create_room(ALICE)
    async with service.connect(ALICE) as socket:
        await resume(socket)
        await say(
            socket, type="add_member", ref="1", client_id="c", room_id=room, user_ids=[BOB, CAROL]
        )
        added = [(await receive(socket, "member_added"))["user_id"] for _ in range(2)]
        assert added == [BOB, CAROL]
    async with service.connect(ALICE) as socket:
        await resume(socket)
        await say(
            socket, type="add_member", ref="2", client_id="c", room_id=room, user_ids=[BOB, CAROL]
        )
        ack = await receive(socket, "ack")
        assert (ack["ref"], ack["client_id"], ack["duplicate"]) == ("2", "c", True)
        await say(socket, type="add_member", ref="3", room_id=room)
        assert (await receive(socket, "error"))["code"] == "invalid_request"
