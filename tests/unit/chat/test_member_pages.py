"""Members, marks and pins page by page: joined they are the whole."""

import asyncio
import random

import grpc
import grpc.aio
import msgspec
import pytest

from chatterroom.chat.documents_mongo import document_of
from chatterroom.chat.pages import MAX_PAGE_BYTES
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.pb import chat_pb2

from .conftest import ALICE, BOB, CAROL, Service, message_posted

FULL = "\N{ROLLING ON THE FLOOR LAUGHING}" * 8_000


async def enter(store: ChatStore, room: str, count: int, **more: object) -> list[str]:
    """Write `count` further members into the database, in no order of their ids."""
    (owner,) = [each async for each in store._memberships.find({"conversation_id": room}).limit(1)]
    users = [str(new_id()) for _ in range(count)]
    random.shuffle(users)
    await store._memberships.insert_many(
        {**owner, "role": "member", "_id": f"{user}:{room}", "user_id": user, **more}
        for user in users
    )
    return users


async def members(service: Service, room: str, user: UserId, dice: random.Random) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        request = chat_pb2.GetRoomRequest(room_id=room, limit=dice.randint(1, 90), cursor=cursor)
        page = await service.stub.GetRoom(request, metadata=service.metadata(user))
        assert len(page.members) <= request.limit
        found += [member.user_id for member in page.members]
        cursor = page.next_cursor
        if not cursor:
            return found


async def marks(service: Service, room: str, dice: random.Random) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        request = chat_pb2.ListMarksRequest(
            conversation_id=room, limit=dice.randint(1, 90), cursor=cursor
        )
        page = await service.stub.ListMarks(request, metadata=service.metadata(ALICE))
        found += [mark.user_id for mark in page.marks]
        cursor = page.next_cursor
        if not cursor:
            return found


async def test_pages_of_members_and_marks_joined_are_all_of_them(service: Service, mongo_url: str):
    room = await service.create_room(ALICE, BOB)
    async with ChatStore.connect(mongo_url) as store:
        users = await enter(store, room, 300)
    expected = sorted([ALICE, BOB, *users])
    assert await members(service, room, BOB, random.Random(1)) == expected
    assert await marks(service, room, random.Random(2)) == expected


async def test_a_first_page_of_members_says_what_the_room_is(service: Service):
    room = await service.create_room(ALICE, BOB)
    await service.add(room, ALICE, CAROL)
    await service.post(room, ALICE, "hello")
    request = chat_pb2.GetRoomRequest(room_id=room)
    shown = await service.stub.GetRoom(request, metadata=service.metadata(BOB))
    assert (shown.member_count, shown.role, shown.next_cursor) == (3, "member", "")
    assert (shown.seq, shown.message_index, shown.room_name) == (3, 1, "Tea")
    roles = {member.user_id: member.role for member in shown.members}
    assert roles == {ALICE: "owner", BOB: "member", CAROL: "member"}


async def test_roles_are_those_of_the_room_whoever_leaves_or_hands_it_over(
    service: Service, mongo_url: str
):
    room = await service.create_room(ALICE, BOB, CAROL)

    async def roles() -> dict[str, str]:
        request = chat_pb2.GetRoomRequest(room_id=room)
        shown = await service.stub.GetRoom(request, metadata=service.metadata(CAROL))
        return {member.user_id: member.role for member in shown.members}

    request = chat_pb2.ChangeRoleRequest(room_id=room, user_id=BOB, actor_id=ALICE, role="owner")
    await service.stub.ChangeRole(request, metadata=service.metadata(ALICE))
    assert await roles() == {ALICE: "admin", BOB: "owner", CAROL: "member"}
    await service.leave(room, BOB)
    assert await roles() == {ALICE: "owner", CAROL: "member"}
    async with ChatStore.connect(mongo_url) as store:
        # As an earlier version has written them.
        await store._memberships.update_many({}, {"$unset": {"role": ""}})
        await store._rooms.update_many({}, {"$unset": {"member_count": ""}})
    assert await roles() == {ALICE: "owner", CAROL: "member"}


@pytest.mark.parametrize("cursor", ["x", "%"])
async def test_damaged_cursors_are_refused(service: Service, cursor: str):
    room = await service.create_room(ALICE)
    of_room = chat_pb2.GetRoomRequest(room_id=room, cursor=cursor)
    of_marks = chat_pb2.ListMarksRequest(conversation_id=room, cursor=cursor)
    of_list = chat_pb2.ListConversationsRequest(user_id=ALICE, cursor=cursor)
    stub = service.stub
    for method, request in (
        (stub.GetRoom, of_room),
        (stub.ListMarks, of_marks),
        (stub.ListConversations, of_list),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await method(request, metadata=service.metadata(ALICE))
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_pages_of_pins_joined_are_all_of_them_and_none_is_too_large(
    service: Service, mongo_url: str
):
    room = await service.create_room(ALICE)
    pinned = list(range(2, 302, 3))
    async with ChatStore.connect(mongo_url) as store:
        await store._room_messages.insert_many(
            document_of(
                msgspec.structs.replace(
                    message_posted(ConversationId(room), seq),
                    message=FULL if seq % 2 else "short",
                    pinned=seq in pinned,
                )
            )
            for seq in range(2, 302)
        )
    found: list[int] = []
    dice = random.Random(3)
    before, more = 0, True
    while more:
        request = chat_pb2.ListPinsRequest(
            conversation_id=room, limit=dice.choice((0, 5, 200)), before=before
        )
        page = await service.stub.ListPins(request, metadata=service.metadata(ALICE))
        assert page.ByteSize() <= MAX_PAGE_BYTES
        found[:0] = [message.seq for message in page.messages]
        before, more = page.messages[0].seq, page.has_more
    assert found == pinned


async def test_a_list_of_another_instance_follows_what_is_written(
    service: Service, other_service: Service
):
    rooms = [await service.create_room(ALICE) for _ in range(4)]
    await service.post(rooms[0], ALICE, "hello")
    request = chat_pb2.ListConversationsRequest(user_id=ALICE, limit=1)

    async def first(asked: Service) -> str:
        page = await asked.stub.ListConversations(request, metadata=asked.metadata(ALICE))
        return page.conversations[0].conversation_id

    # Where the message was stored, at once; elsewhere when it was written to the memberships.
    assert await first(service) == rooms[0]
    async with asyncio.timeout(20):
        while await first(other_service) != rooms[0]:
            pass
