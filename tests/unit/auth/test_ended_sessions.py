import pytest

from chatterroom.auth import ended_sessions
from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
from chatterroom.core.ids import SessionId, UserId


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ended(clock):
    return EndedSessions(clock)


def session(name, forget_at=1_100.0):
    return EndedSession(SessionId(name), UserId("alice"), forget_at)


def test_an_end_is_news_once(ended):
    assert ended.add(session("one"))
    assert not ended.add(session("one"))
    assert "one" in ended
    assert "two" not in ended


def test_what_has_expired_is_forgotten_and_no_news(ended, clock):
    ended.add(session("one"))
    clock.now = 1_101.0
    assert ended.remembered() == []
    assert "one" not in ended
    assert not ended.add(session("old", 1_100.0))
    assert len(ended) == 0


def test_those_of_interest_are_told_in_order(ended):
    for name in ("b", "a", "c"):
        ended.add(session(name))
    assert [one.session_id for one in ended.remembered()] == ["b", "a", "c"]


def test_beyond_the_bound_the_earliest_are_forgotten(ended, monkeypatch):
    monkeypatch.setattr(ended_sessions, "MAX_REMEMBERED", 2)
    for name in ("a", "b", "c"):
        assert ended.add(session(name))
    assert "a" not in ended
    assert len(ended.remembered()) == 2
