import pytest

from chatterroom.core.ids import SessionId
from chatterroom.gateway import last_seen, last_seen_grpc
from chatterroom.gateway.last_seen import LastSeen
from chatterroom.pb import chat_pb2

ONE, TWO = SessionId("one"), SessionId("two")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def seen(clock):
    return LastSeen(clock)


def test_a_session_is_told_once_a_minute(seen, clock):
    seen.note(ONE)
    seen.note(ONE)
    assert seen.take() == [ONE]
    clock.now = 59.0
    seen.note(ONE)
    assert seen.take() == []
    clock.now = 60.0
    assert seen.take() == []
    seen.note(ONE)
    assert seen.take() == [ONE]


def test_what_is_noted_and_remembered_is_bounded(seen, monkeypatch):
    monkeypatch.setattr(last_seen, "MAX_NOTED", 2)
    monkeypatch.setattr(last_seen, "MAX_REMEMBERED", 2)
    for name in "abcdef":
        seen.note(SessionId(name))
    assert len(seen.take()) == 2
    seen.note(ONE)
    seen.note(TWO)
    assert set(seen.take()) == {ONE, TWO}
    assert len(seen._told_at) <= 4


async def test_the_user_service_is_told_who_asks(start, monkeypatch):
    monkeypatch.setattr(last_seen_grpc, "_EVERY_S", 0.02)
    world = await start()
    world.chat.answers["ListConversations"] = chat_pb2.ListConversationsResponse()
    await world.client.get("/chat-service/conversations", headers=world.ada.headers)
    heard = await world.user_service.arrival("TouchSessions")
    assert list(heard.request.session_ids) == [world.ada.session_id]
    assert heard.caller.user_id is None
