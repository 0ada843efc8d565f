"""Who may see whether somebody is online, and until when."""

import pytest

from chatterroom.core.ids import new_id
from chatterroom.pb import chat_pb2

from .conftest import ALICE, BOB, CAROL, Service, receive, resume, say
from .test_blocked_users import block
from .test_servicer_grpc import send_private


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatterroom.chat.leases_redis.GRACE_S", 0.2)
    monkeypatch.setattr("chatterroom.chat.presence._LOOK_S", 0.2)


async def online(service: Service, viewer, user_id) -> bool:
    request = chat_pb2.GetPresenceRequest(user_id=viewer, user_ids=[user_id])
    answer = await service.stub.GetPresence(request, metadata=service.metadata(viewer))
    return answer.users[0].online


async def watch(socket, *user_ids) -> list[bool]:
    await say(socket, type="watch_presence", user_ids=list(user_ids))
    return [each["online"] for each in (await receive(socket, "presence"))["users"]]


async def seen(socket) -> tuple[str, bool]:
    """Return the next change of presence, which must be of one user."""
    (user,) = (await receive(socket, "presence"))["users"]
    return user["user_id"], user["online"]


async def test_a_block_hides_presence_both_ways_until_it_ends(
    service: Service, other_service: Service
):
    await service.create_room(ALICE, BOB)
    async with service.connect(ALICE) as alice, other_service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="watch_presence", user_ids=[BOB])
        await say(bob, type="watch_presence", user_ids=[ALICE])
        for socket, other in ((alice, BOB), (bob, ALICE)):
            while await seen(socket) != (other, True):
                pass
        await block(service, ALICE, BOB)
        assert await seen(alice) == (BOB, False)
        assert await seen(bob) == (ALICE, False)
        for viewer, other in ((ALICE, BOB), (BOB, ALICE)):
            assert not await online(service, viewer, other)
            assert not await online(other_service, viewer, other)
        assert await watch(alice, BOB) == [False]
        await block(service, ALICE, BOB, remove=True)
        assert await seen(alice) == (BOB, True)
        assert await seen(bob) == (ALICE, True)


async def test_who_comes_and_goes_during_a_block_is_not_seen(
    service: Service, other_service: Service
):
    await service.create_room(ALICE, BOB)
    await service.create_room(ALICE, CAROL)
    await block(service, BOB, ALICE)
    async with service.connect(ALICE) as alice:
        await resume(alice)
        assert await watch(alice, BOB, CAROL) == [False, False]
        async with other_service.connect(BOB) as bob:
            await resume(bob)
        async with other_service.connect(CAROL) as carol:
            await resume(carol)
            assert await seen(alice) == (CAROL, True)
        assert await seen(alice) == (CAROL, False)


async def told_of(socket, user_id) -> bool | None:
    """Return what the next change of presence says of a user."""
    users = (await receive(socket, "presence"))["users"]
    return {each["user_id"]: each["online"] for each in users}.get(user_id)


async def connected(service: Service, viewer, room_id: str) -> dict[str, bool]:
    request = chat_pb2.GetRoomRequest(room_id=room_id)
    room = await service.stub.GetRoom(request, metadata=service.metadata(viewer))
    return {member.user_id: member.connected for member in room.members}


async def test_a_block_hides_who_is_connected_to_a_room_they_share(service: Service):
    room = await service.create_room(ALICE, BOB, CAROL)
    async with service.connect(BOB) as bob:
        await resume(bob)
        while not (await connected(service, ALICE, room))[BOB]:
            pass
        await block(service, BOB, ALICE)
        assert not (await connected(service, ALICE, room))[BOB]
        assert (await connected(service, CAROL, room))[BOB]


async def leave(service: Service, room: str) -> None:
    await service.leave(room, BOB)


async def watcher_leaves(service: Service, room: str) -> None:
    await service.leave(room, ALICE)


async def remove(service: Service, room: str) -> None:
    request = chat_pb2.RemoveUserFromRoomRequest(room_id=room, user_id=BOB, actor_id=ALICE)
    await service.stub.RemoveUserFromRoom(request, metadata=service.metadata(ALICE))


async def both_leave(service: Service, room: str) -> None:
    await service.leave(room, ALICE)
    await service.leave(room, BOB)


@pytest.mark.parametrize("end", [leave, watcher_leaves, remove, both_leave])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_who_shares_no_conversation_any_more_sees_no_presence(
    service: Service, other_service: Service, end, elsewhere: bool
):
    """Also on a socket that follows another room only, and on another instance."""
    room = await service.create_room(ALICE, BOB)
    other_room = await service.create_room(ALICE, CAROL)
    at = other_service if elsewhere else service
    async with service.connect(BOB) as bob, at.connect(ALICE, other_room) as alice:
        await resume(bob)
        await resume(alice)
        await say(alice, type="watch_presence", user_ids=[BOB, CAROL])
        while await told_of(alice, BOB) is not True:
            pass
        await end(service, room)
        while await told_of(alice, BOB) is not False:
            pass
        assert not await online(at, ALICE, BOB)


async def test_who_still_shares_a_conversation_sees_presence(service: Service):
    room = await service.create_room(ALICE, BOB)
    await send_private(service, ALICE, BOB, "hello")
    async with service.connect(ALICE) as alice:
        await resume(alice)
        assert await watch(alice, BOB) == [False]
        await service.leave(room, BOB)
        await service.leave(room, ALICE)
        async with service.connect(BOB) as bob:
            await resume(bob)
            assert await seen(alice) == (BOB, True)


async def test_a_deleted_account_is_offline(service: Service, other_service: Service):
    await send_private(service, ALICE, BOB, "hello")
    async with service.connect(ALICE) as alice, service.connect(BOB) as bob:
        await resume(alice)
        await resume(bob)
        await say(alice, type="watch_presence", user_ids=[BOB])
        while await seen(alice) != (BOB, True):
            pass
        request = chat_pb2.ForgetUserRequest(user_id=BOB)
        await service.stub.ForgetUser(request, metadata=service.metadata())
        assert not await online(service, ALICE, BOB)
        assert await seen(alice) == (BOB, False)


async def test_a_stranger_is_offline(service: Service):
    stranger = new_id()
    async with service.connect(BOB) as bob:
        await resume(bob)
        assert not await online(service, stranger, BOB)
