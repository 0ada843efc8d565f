import asyncio
from types import SimpleNamespace

import pytest

from chatterroom import background
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId, new_id
from chatterroom.users import alert_book
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alerts import LoginFailed, ProfileChanged

ALICE = UserId("alice")


class FakeStore:
    """Fails as often as it is told to."""

    def __init__(self):
        self.failures = []
        self.kept = []
        self.stored = asyncio.Event()

    async def add(self, alerts, now):
        del now
        if self.failures:
            raise self.failures.pop(0)
        self.kept += [alert for _, alert in alerts]
        self.stored.set()


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def told():
    return []


@pytest.fixture
async def book(store, told, monkeypatch):
    monkeypatch.setattr(background, "_FIRST_PAUSE_S", 0.0)
    live = SimpleNamespace(
        tell=lambda user_id, alert: told.append((user_id, alert, len(store.kept)))
    )
    book = AlertBook(store, live)
    running = asyncio.create_task(book.run())
    yield book
    running.cancel()
    await asyncio.wait([running])


def failed():
    return LoginFailed(new_id(), "phone", "::1", "now")


def away():
    return ChatterRoomError(ErrorCode.STORAGE_UNAVAILABLE, "away")


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_an_alert_is_kept_before_it_is_told(book, store, told):
    alert = failed()
    book.tell(ALICE, alert)
    await until(lambda: told)
    assert told == [(ALICE, alert, 1)]
    assert store.kept == [alert]


async def test_while_storage_is_away_alerts_are_told_once_and_kept_later(book, store, told):
    store.failures = [away(), away(), away()]
    first, second = failed(), failed()
    book.tell(ALICE, first)
    await until(lambda: len(store.failures) < 3)
    book.tell(ALICE, second)
    await until(lambda: len(store.kept) == 2 and len(told) == 2)
    assert store.kept == [first, second]
    assert [alert for _, alert, _ in told] == [first, second]


async def test_what_cannot_be_stored_stops_nothing(book, store, told):
    store.failures = [RuntimeError("never")]
    first, second = failed(), failed()
    book.tell(ALICE, first)
    await until(lambda: told)
    book.tell(ALICE, second)
    await until(lambda: len(told) == 2)
    assert store.kept == [second]


async def test_a_changed_profile_is_told_at_once_and_not_kept(book, store, told):
    book.tell(ALICE, ProfileChanged())
    assert told == [(ALICE, ProfileChanged(), 0)]
    book.tell(ALICE, failed())
    await store.stored.wait()
    assert len(store.kept) == 1


async def test_beyond_the_bound_alerts_are_told_and_not_kept(book, store, told, monkeypatch):
    monkeypatch.setattr(alert_book, "MAX_WAITING", 1)
    first, second = failed(), failed()
    book.tell(ALICE, first)
    book.tell(ALICE, second)
    assert told == [(ALICE, second, 0)]
    await store.stored.wait()
    assert store.kept == [first]
