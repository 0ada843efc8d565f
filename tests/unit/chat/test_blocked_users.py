import asyncio
import json

import grpc.aio
import pytest
from tests.unit.chat.conftest import receive, resume, say

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import UserId, new_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.errors import error_from


async def block(service, user_id, other, *, remove=False):
    request = chat_pb2.BlockUserRequest(user_id=user_id, blocked_id=other, remove=remove)
    await service.stub.BlockUser(request, metadata=service.metadata(user_id))


async def write(service, sender, receiver, text="hello", client_id=""):
    request = chat_pb2.SendPrivateMessageRequest(
        sender_id=sender, receiver_id=receiver, message=text, client_id=client_id
    )
    return await service.stub.SendPrivateMessage(request, metadata=service.metadata(sender))


async def refused(call) -> bool:
    (outcome,) = await asyncio.gather(call, return_exceptions=True)
    if not isinstance(outcome, BaseException):
        return False
    assert isinstance(outcome, grpc.aio.AioRpcError), outcome
    assert outcome.code() is grpc.StatusCode.PERMISSION_DENIED, outcome.details()
    assert error_from(outcome).code is ErrorCode.BLOCKED
    return True


@pytest.fixture
def alice() -> UserId:
    return UserId(new_id())


@pytest.fixture
def bob() -> UserId:
    return UserId(new_id())


@pytest.fixture
def carol() -> UserId:
    return UserId(new_id())


async def test_a_repeat_of_what_was_written_before_the_block_is_answered_as_before(
    service, alice, bob
):
    written = await write(service, alice, bob, client_id="before")
    await block(service, bob, alice)
    again = await write(service, alice, bob, client_id="before")
    assert (again.id, again.duplicate) == (written.id, True)
    assert await refused(write(service, alice, bob, client_id="behind"))


async def test_a_repeat_of_a_room_opened_before_a_block_is_answered_as_before(service, alice, bob):
    async def open_room(client_id):
        request = chat_pb2.CreateRoomRequest(
            creator_id=alice, room_name="Tea", members_ids=[bob], client_id=client_id
        )
        return await service.stub.CreateRoom(request, metadata=service.metadata(alice))

    opened = await open_room("before")
    await block(service, bob, alice)
    assert (await open_room("before")).room_id == opened.room_id
    assert await refused(open_room("behind"))


async def test_neither_writes_to_the_other_on_any_instance(
    service, other_service, alice, bob, carol
):
    await write(service, alice, bob)
    await block(service, alice, bob)
    assert await refused(write(service, alice, bob))
    async with asyncio.timeout(10):
        while not await refused(write(other_service, bob, alice)):
            await asyncio.sleep(0.05)
    assert not await refused(write(service, carol, alice))
    await block(service, alice, bob, remove=True)
    assert not await refused(write(service, bob, alice))


async def test_neither_pulls_the_other_into_a_room_but_a_third_may(service, alice, bob, carol):
    await block(service, alice, bob)
    for one, other in ((alice, bob), (bob, alice)):
        assert await refused(service.create_room(one, other))
        room_id = await service.create_room(one, carol)
        assert await refused(service.add(room_id, one, other))
        await service.add(room_id, carol, other)


async def test_in_a_private_chat_the_blocked_neither_edit_nor_react_but_may_delete(
    service, alice, bob
):
    sent = await write(service, bob, alice)
    await block(service, alice, bob)
    as_bob = service.metadata(bob)
    edit = chat_pb2.EditMessageRequest(user_id=bob, message_id=sent.id, message="still here")
    assert await refused(service.stub.EditMessage(edit, metadata=as_bob))
    react = chat_pb2.ReactToMessageRequest(user_id=bob, message_id=sent.id, emoji="👋")
    assert await refused(service.stub.ReactToMessage(react, metadata=as_bob))
    typing = chat_pb2.SetTypingRequest(user_id=bob, conversation_id=sent.conversation_id)
    assert await refused(service.stub.SetTyping(typing, metadata=as_bob))
    delete = chat_pb2.DeleteMessageRequest(user_id=bob, message_id=sent.id)
    await service.stub.DeleteMessage(delete, metadata=as_bob)


async def test_neither_pins_nor_unpins_in_their_private_chat(service, alice, bob):
    sent = await write(service, bob, alice)
    pinned = await write(service, alice, bob)

    def pin(user_id, message_id, *, remove=False):
        request = chat_pb2.PinMessageRequest(user_id=user_id, message_id=message_id, remove=remove)
        return service.stub.PinMessage(request, metadata=service.metadata(user_id))

    await pin(bob, pinned.id)
    await block(service, alice, bob)
    for user_id in (alice, bob):
        assert await refused(pin(user_id, sent.id))
        assert await refused(pin(user_id, pinned.id, remove=True))
    await block(service, alice, bob, remove=True)
    await pin(alice, pinned.id, remove=True)


async def test_ones_own_reaction_can_be_taken_back(service, alice, bob):
    sent = await write(service, bob, alice)
    react = {"user_id": alice, "message_id": sent.id, "emoji": "👋"}
    as_alice = service.metadata(alice)
    await service.stub.ReactToMessage(chat_pb2.ReactToMessageRequest(**react), metadata=as_alice)
    await block(service, bob, alice)
    request = chat_pb2.ReactToMessageRequest(**react, remove=True)
    await service.stub.ReactToMessage(request, metadata=as_alice)


async def marks(service, viewer, conversation_id) -> dict[str, int]:
    request = chat_pb2.ListMarksRequest(conversation_id=conversation_id)
    answer = await service.stub.ListMarks(request, metadata=service.metadata(viewer))
    return {mark.user_id: mark.read_index for mark in answer.marks}


async def test_marks_reach_ones_own_devices_only_and_are_not_shown_to_the_other(
    service, other_service, alice, bob, carol
):
    sent = await write(service, bob, alice)
    chat = sent.conversation_id
    other_chat = (await write(service, carol, alice)).conversation_id
    await block(service, bob, alice)
    async with (
        service.connect(alice) as phone,
        other_service.connect(alice) as desk,
        other_service.connect(bob) as theirs,
        other_service.connect(carol) as third,
    ):
        for socket in (phone, theirs, desk, third):
            await resume(socket)
        await say(phone, type="mark", conversation_id=chat, read=1)
        assert (await receive(desk, "marks"))["conversation_id"] == chat
        await say(phone, type="mark", conversation_id=other_chat, read=1)
        assert (await receive(third, "marks"))["conversation_id"] == other_chat
        await block(service, bob, alice, remove=True)
        await write(service, alice, bob, "hello again")
        heard = []
        while not heard or heard[-1] != "message":
            heard.append((await receive(theirs))["type"])
        assert "marks" not in heard
    await block(service, alice, bob)
    assert await marks(service, alice, chat) == {alice: 2}
    assert await marks(service, bob, chat) == {bob: 1}
    await block(service, alice, bob, remove=True)
    assert await marks(service, bob, chat) == {alice: 2, bob: 1}


async def test_the_other_devices_of_who_blocks_hear_of_it_and_nobody_else(
    service, other_service, alice, bob, carol
):
    await block(service, alice, carol)
    async with (
        service.connect(alice) as here,
        other_service.connect(alice) as elsewhere,
        service.connect(bob) as other,
    ):
        assert (await receive(here, "ready"))["blocked"] == [carol]
        while (await receive(elsewhere))["type"] != "ready":
            pass  # the other instance may hear of the first block before or after
        assert (await receive(other, "ready"))["blocked"] == []
        await block(service, alice, bob)
        for socket in (here, elsewhere):
            heard = await receive(socket, "block")
            while heard["user_id"] == carol:
                heard = await receive(socket, "block")
            assert heard == {"type": "block", "user_id": bob, "blocked": True}
        await other.send(json.dumps({"type": "ping", "ref": "1"}))
        assert (await receive(other))["type"] == "pong"


async def test_one_sees_whom_one_has_blocked_not_by_whom_one_is(service, alice, bob):
    await block(service, alice, bob)
    for user_id, blocked in ((alice, [bob]), (bob, [])):
        request = chat_pb2.ListBlocksRequest(user_id=user_id)
        answer = await service.stub.ListBlocks(request, metadata=service.metadata(user_id))
        assert list(answer.user_ids) == blocked


@pytest.mark.parametrize("other", ["nobody", ""])
async def test_an_id_that_is_none_is_refused(service, other, alice):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await block(service, alice, other)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
