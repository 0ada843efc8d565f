import pytest

from chatterroom.chat.log import StorageUnavailableError
from chatterroom.chat.store_mongo import ChatStore

from .conftest import ALICE, Service, receive, say


async def test_a_resume_that_failed_on_storage_can_be_said_again_on_the_same_socket(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    room = await service.create_room(ALICE)
    await service.post(room, ALICE, "missed")

    async def fail(*_: object) -> None:
        raise StorageUnavailableError

    async with service.connect(ALICE) as socket:
        await receive(socket, "ready")
        with monkeypatch.context() as away:
            away.setattr(ChatStore, "entries_after", fail)
            await say(socket, type="resume", ref="1", conversations={room: 0})
            assert (await receive(socket))["code"] == "storage_unavailable"
        await say(socket, type="resume", ref="2", conversations={room: 0})
        events = [await receive(socket) for _ in range(3)]
        assert [event.get("seq", event["type"]) for event in events] == [1, 2, "resumed"]
        await service.post(room, ALICE, "live")
        assert (await receive(socket))["seq"] == 3
