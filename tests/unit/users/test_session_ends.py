"""Ends of sessions on their way to those who watch: in pieces, and none is lost."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import SessionId, UserId
from chatterroom.users.session_ends import MESSAGE, PAGE, SessionEnds

MOMENT = datetime(2026, 11, 23, 16, 45, tzinfo=UTC)


def ended(number: int) -> EndedSession:
    return EndedSession(SessionId(f"{number:026}"), UserId("ada"), 2e9)


class Stored:
    """Ends as a store gives them."""

    def __init__(self, ends):
        self.ends = ends
        self.asked = 0

    async def ended_since(self, moment, after, limit):
        self.asked += 1
        behind = [each for each in self.ends if (each[0], each[1].session_id) > (moment, after)]
        return sorted(behind, key=lambda each: (each[0], each[1].session_id))[:limit]


def session_ends(ends=()):
    heard = []
    known = EndedSessions(clock=lambda: 0)
    return SessionEnds(Stored(list(ends)), known, heard.append), known, heard


async def test_ten_thousand_ends_at_once_come_in_bounded_pieces_and_none_is_lost():
    ends, _, _ = session_ends()
    watch = ends.watch()
    assert (await anext(watch)).sessions == ()
    ends.tell([ended(number) for number in range(10_000)])
    pieces = [(await anext(watch)).sessions for _ in range(10_000 // MESSAGE)]
    assert {len(piece) for piece in pieces} == {MESSAGE}
    assert [each for piece in pieces for each in piece] == [ended(n) for n in range(10_000)]
    await watch.aclose()


async def test_a_new_watcher_gets_what_is_remembered_in_bounded_pieces():
    ends, _, _ = session_ends()
    ends.tell([ended(number) for number in range(MESSAGE + 1)])
    watch = ends.watch()
    assert [len((await anext(watch)).sessions) for _ in range(3)] == [0, MESSAGE, 1]
    await watch.aclose()


async def test_more_ends_of_one_moment_than_fit_a_page_are_all_found():
    found = [(MOMENT, ended(number)) for number in range(PAGE * 3 + 1)]
    ends, known, heard = session_ends(found)
    await ends._look()
    assert len(known) == len(heard) == len(found)


async def test_what_becomes_visible_a_little_late_is_found_too():
    ends, known, _ = session_ends([(MOMENT, ended(1))])
    await ends._look()
    ends._source.ends.append((MOMENT - timedelta(seconds=2), ended(2)))
    await ends._look()
    assert len(known) == 2


async def test_a_watcher_is_up_to_date_once_everything_was_looked_through_and_sent():
    ends, known, _ = session_ends([(MOMENT, ended(number)) for number in range(PAGE + MESSAGE)])
    watch = ends.watch()
    assert not (await anext(watch)).up_to_date
    assert not known.is_complete
    await ends._look()
    assert known.is_complete
    sent = [await anext(watch) for _ in range(2)]
    assert [(len(each.sessions), each.up_to_date) for each in sent] == [
        (MESSAGE, False),
        (MESSAGE, True),
    ]
    await watch.aclose()


async def test_a_watcher_with_nothing_to_receive_learns_at_once_that_the_look_is_over():
    ends, _, _ = session_ends()
    watch = ends.watch()
    assert not (await anext(watch)).up_to_date
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await ends._look()
    for _ in range(5):
        await asyncio.sleep(0)
    assert waiting.done()
    assert (await waiting).up_to_date
    await watch.aclose()


async def test_nobody_is_up_to_date_with_an_instance_that_has_lost_its_storage_or_waits_for_it():
    ends, known, _ = session_ends()
    await ends._look()
    hanging, failing = asyncio.Event(), False

    async def ended_since(*_):
        await hanging.wait()
        if failing:
            raise StorageUnavailableError
        return []

    ends._source.ended_since = ended_since
    looking = asyncio.create_task(ends._look())
    await asyncio.sleep(0)
    first = ends.watch()
    assert not (await anext(first)).up_to_date
    failing = True
    hanging.set()
    with pytest.raises(StorageUnavailableError):
        await looking
    second = ends.watch()
    assert not (await anext(second)).up_to_date
    # This instance has been complete before, and what it knows stays known.
    assert known.is_complete
    failing = False
    await ends._look()
    assert (await anext(first)).up_to_date
    assert (await anext(second)).up_to_date
    for each in (first, second):
        await each.aclose()
