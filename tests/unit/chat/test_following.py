import asyncio

import pytest

from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.sockets.frames import CloseCode

from .conftest import ALICE, Service, receive, say


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
