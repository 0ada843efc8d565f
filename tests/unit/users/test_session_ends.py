"""Ends of sessions on their way to those who watch: in pieces, and none is lost."""

from datetime import UTC, datetime, timedelta

from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
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
    assert await anext(watch) == ()
    ends.tell([ended(number) for number in range(10_000)])
    pieces = [await anext(watch) for _ in range(10_000 // MESSAGE)]
    assert {len(piece) for piece in pieces} == {MESSAGE}
    assert [each for piece in pieces for each in piece] == [ended(n) for n in range(10_000)]
    await watch.aclose()


async def test_a_new_watcher_gets_what_is_remembered_in_bounded_pieces():
    ends, _, _ = session_ends()
    ends.tell([ended(number) for number in range(MESSAGE + 1)])
    watch = ends.watch()
    assert [len(await anext(watch)) for _ in range(3)] == [0, MESSAGE, 1]
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
