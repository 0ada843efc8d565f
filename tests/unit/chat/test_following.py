import asyncio

import pytest

from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import new_id
from chatterroom.sockets.frames import CloseCode

from .conftest import ALICE, BOB, Service, receive, say


async def test_a_socket_that_cannot_resume_for_want_of_storage_is_closed(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    rooms = [await service.create_room(ALICE) for _ in range(3)]
    for room in rooms:
        await service.post(room, ALICE, "missed")
    real = ChatStore.entries_after

    async def fail_for_one(store: ChatStore, room: str, *more: int) -> object:
        if room == rooms[1]:
            raise StorageUnavailableError
        return await real(store, room, *more)

    async with service.connect(ALICE) as socket:
        await receive(socket, "ready")
        with monkeypatch.context() as away:
            away.setattr(ChatStore, "entries_after", fail_for_one)
            await say(socket, type="resume", ref="1", conversations=dict.fromkeys(rooms, 0))
            # Resumed in a part of them it would look alive, and miss what happens in the rest.
            await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == CloseCode.TRY_AGAIN_LATER
    async with service.connect(ALICE) as socket:
        await receive(socket, "ready")
        await say(socket, type="resume", ref="1", conversations=dict.fromkeys(rooms, 0))
        events = [await receive(socket) for _ in range(7)]
        assert events[-1]["type"] == "resumed"
        assert sorted((event["room_id"], event["seq"]) for event in events[:-1]) == sorted(
            (room, seq) for room in rooms for seq in (1, 2)
        )


async def test_a_user_in_many_conversations_is_told_of_them_in_pages_before_anything_else(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatterroom.chat.chat_socket.READY_PAGE", 3)
    monkeypatch.setattr("chatterroom.chat.following._AT_A_TIME", 2)
    rooms = [await service.create_room(ALICE, BOB) for _ in range(8)]
    async with service.connect(ALICE) as socket:
        await say(socket, type="ping")
        pages = [await receive(socket) for _ in range(3)]
        assert [page["type"] for page in pages] == ["ready", "conversations", "conversations"]
        assert [page["has_more"] for page in pages] == [True, True, False]
        listed = [head["conversation_id"] for page in pages for head in page["conversations"]]
        assert [len(page["conversations"]) for page in pages] == [3, 3, 2]
        assert sorted(listed) == sorted(rooms)
        assert (await receive(socket))["type"] == "pong"
        named = {rooms[0]: 1, rooms[5]: 0, "nowhere": 3}
        await say(socket, type="resume", ref="r", conversations=named)
        assert (await receive(socket))["type"] == "room_created"
        assert await receive(socket) == {
            "type": "resumed",
            "ref": "r",
            "conversations": {rooms[0]: 1, rooms[5]: 1},
            "unknown": ["nowhere"],
            "has_more": True,
        }
        for room in rooms:
            await service.post(room, BOB, room)
            assert (await receive(socket, "message"))["message"] == room
    async with service.connect(BOB, rooms[0], simple=True) as socket:
        ready = await receive(socket)
        assert len(ready["conversations"]) == 1
        assert "has_more" not in ready


@pytest.mark.parametrize(
    "command",
    [
        {"type": "x" * 100_000},
        {"type": "resume", "conversations": {"x" * 100_000: 1}},
        {"type": "send", "message": "hi", "room_id": "x" * 100_000},
        {"type": "typing", "conversation_id": "x" * 100_000},
        {"type": "react", "message_id": "x" * 100_000, "emoji": "x"},
        {"type": "update_room", "room_id": new_id(), "settings": {"x" * 100_000: "y"}},
        {"type": "watch_presence", "user_ids": ["x" * 100_000]},
        {"type": "send", "message": "hi", "client_id": "x" * 100_000},
        {"type": "ping", "ref": "x" * 100_000},
    ],
)
async def test_an_error_does_not_repeat_what_was_long(service: Service, command: dict):
    async with service.connect(ALICE) as socket:
        await receive(socket, "ready")
        await say(socket, **command)
        answer = await socket.recv()
        assert len(answer) < 1_000
        assert '"error"' in answer
