"""Order and resuming, against a log that a server might deliver from in many ways."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.client import inbox as inbox_module
from chatterroom.client.events import (
    Entry,
    Head,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    Message,
    RoomCreated,
    Unknown,
)
from chatterroom.client.inbox import Inbox, Verdict
from chatterroom.core.ids import UserId, new_id, private_conversation_id

ME, SOMEBODY = new_id(), new_id()
ROOM, OTHER_ROOM = new_id(), new_id()
PRIVATE = private_conversation_id(UserId(ME), UserId(SOMEBODY))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def common(seq: int, conversation_id: str) -> dict:
    return {
        "id": f"{conversation_id}-{seq:012d}",
        "conversation_id": conversation_id,
        "seq": seq,
        "message_index": seq,
        "sender_id": SOMEBODY,
        "created_at": NOW,
    }


def message(seq: int, conversation_id: str = ROOM) -> Message:
    return Message(**common(seq, conversation_id), message=f"{seq}", updated_at=NOW)


def added(seq: int, user_id: str = ME) -> MemberAdded:
    return MemberAdded(**common(seq, ROOM), user_id=user_id)


def left(seq: int, user_id: str = ME) -> MemberLeft:
    return MemberLeft(**common(seq, ROOM), user_id=user_id)


def take(inbox: Inbox, *entries: Entry) -> list[int]:
    """Return the seqs that are let through; fail at a hole."""
    let_through = []
    for entry in entries:
        verdict = inbox.take(entry)
        assert verdict is not Verdict.HOLE, entry
        if verdict is Verdict.NEXT:
            let_through.append(entry.seq)
    return let_through


def test_without_cursors_conversations_begin_with_what_comes_after_the_first_connection():
    inbox = Inbox(ME, None)
    opening = inbox.open([Head(ROOM, 7), Head(PRIVATE, 3)])
    assert opening.started == {ROOM: 7, PRIVATE: 3}
    assert opening.resume == {}
    assert take(inbox, message(8)) == [8]


def test_with_cursors_only_what_lags_behind_is_named():
    inbox = Inbox(ME, {ROOM: 7, PRIVATE: 3})
    opening = inbox.open([Head(ROOM, 7), Head(PRIVATE, 5)])
    assert opening.resume == {PRIVATE: 3}
    assert opening.started == {}
    assert opening.is_complete


def test_a_duplicate_is_dropped_and_a_hole_is_told():
    inbox = Inbox(ME, {ROOM: 7})
    assert inbox.take(message(7)) is Verdict.DROP
    assert inbox.take(message(9)) is Verdict.HOLE
    assert inbox.take(message(8)) is Verdict.NEXT
    assert inbox.take(message(9)) is Verdict.NEXT


def test_a_room_that_appears_begins_with_the_entry_that_brought_the_user_in():
    inbox = Inbox(ME, None)
    inbox.open([])
    assert take(inbox, added(5), message(6)) == [5, 6]
    created = RoomCreated(**common(1, OTHER_ROOM), room_name="Tea", members_ids=[ME])
    assert take(inbox, created, message(2, OTHER_ROOM)) == [1, 2]


def test_a_room_that_appeared_while_offline_is_passed_over_up_to_the_entry_that_brought_one_in():
    inbox = Inbox(ME, {})
    assert inbox.open([Head(ROOM, 4)]).resume == {ROOM: 0}
    assert take(inbox, message(1), message(2), added(3), message(4)) == [3, 4]


def test_a_server_that_tells_when_one_came_in_sends_nothing_from_before():
    inbox = Inbox(ME, {})
    assert inbox.open([Head(ROOM, 90, joined_seq=80)]).resume == {ROOM: 79}
    assert take(inbox, added(80), message(81)) == [80, 81]


def test_a_hole_is_noticed_while_entries_are_passed_over():
    inbox = Inbox(ME, {})
    inbox.open([Head(ROOM, 9)])
    assert take(inbox, message(1)) == []
    assert inbox.take(message(3)) is Verdict.HOLE


def test_a_private_chat_that_appears_begins_with_its_first_entry():
    inbox = Inbox(ME, None)
    inbox.open([])
    assert inbox.take(message(2, PRIVATE)) is Verdict.HOLE
    assert take(inbox, message(1, PRIVATE), message(2, PRIVATE)) == [1, 2]


@pytest.mark.parametrize("departure", [MemberLeft, MemberRemoved])
def test_who_left_and_is_added_again_sees_nothing_from_in_between(departure):
    inbox = Inbox(ME, {ROOM: 4})
    end = departure(**common(5, ROOM), user_id=ME)
    assert take(inbox, end, message(6), message(7), added(8), message(9)) == [5, 8, 9]


def test_who_left_and_is_added_again_live_goes_on_there():
    inbox = Inbox(ME, {ROOM: 4})
    assert take(inbox, left(5), added(20), message(21)) == [5, 20, 21]


def test_somebody_elses_leaving_ends_nothing():
    inbox = Inbox(ME, {ROOM: 4})
    assert take(inbox, left(5, SOMEBODY), message(6)) == [5, 6]
    assert inbox.take(message(8)) is Verdict.HOLE


def test_a_conversation_that_has_gone_unseen_is_told_once_and_goes_on_when_it_is_back():
    inbox = Inbox(ME, {ROOM: 4})
    assert inbox.open([]).gone == [ROOM]
    assert inbox.open([]).gone == []
    assert inbox.open([Head(ROOM, 9)]).resume == {ROOM: 4}
    assert take(inbox, message(5), left(6), message(7), added(8), message(9)) == [5, 6, 8, 9]
    assert inbox.open([]).gone == [ROOM]


def test_who_left_knowingly_is_not_told_that_the_room_has_gone():
    inbox = Inbox(ME, {ROOM: 4})
    take(inbox, left(5))
    assert inbox.open([]).gone == []


def test_who_missed_their_leaving_goes_on_where_a_room_that_hides_its_past_begins():
    inbox = Inbox(ME, {ROOM: 4})
    assert inbox.take(added(20)) is Verdict.HOLE
    assert inbox.open([Head(ROOM, 21)]).resume == {ROOM: 4}
    assert take(inbox, added(20), message(21)) == [20, 21]


def test_entries_of_unknown_types_have_their_place():
    inbox = Inbox(ME, {ROOM: 4})
    unknown = Unknown("message_sung", common(5, ROOM))
    assert unknown.seq == 5
    assert take(inbox, unknown, message(6)) == [5, 6]


def test_an_unknown_entry_that_names_the_user_brings_them_in():
    inbox = Inbox(ME, {})
    invited = Unknown("member_invited", {**common(5, ROOM), "user_id": ME})
    assert take(inbox, invited, message(6)) == [5, 6]


def test_more_than_one_command_can_name_are_resumed_in_turns(monkeypatch):
    monkeypatch.setattr(inbox_module, "MAX_NAMED", 2)
    rooms = [new_id() for _ in range(3)]
    inbox = Inbox(ME, dict.fromkeys(rooms, 1))
    heads = [Head(room, 2) for room in rooms]
    first = inbox.open(heads)
    assert (len(first.resume), first.is_complete) == (2, False)
    for room in first.resume:
        take(inbox, message(2, room))
    second = inbox.open(heads)
    assert second.is_complete
    assert first.resume.keys() | second.resume.keys() == set(rooms)


LENGTH = 12

connections = st.lists(
    # What a server that loses, doubles and reorders delivers before a connection ends.
    st.lists(st.integers(1, LENGTH), max_size=LENGTH + 3)
    # What a sound one delivers: so many of those that are due.
    | st.integers(0, LENGTH),
    max_size=12,
)


@given(st.integers(0, LENGTH), connections)
def test_whatever_is_repeated_lost_or_cut_off_everything_comes_once_and_in_order(start, plan):
    inbox, seen = Inbox(ME, {ROOM: start}), []
    for connection in [*plan, LENGTH]:
        resume = inbox.open([Head(ROOM, LENGTH)]).resume
        cursor = start + len(seen)
        assert resume == ({ROOM: cursor} if cursor < LENGTH else {})
        due = range(cursor + 1, LENGTH + 1)
        for seq in connection if isinstance(connection, list) else due[:connection]:
            verdict = inbox.take(message(seq))
            if verdict is Verdict.HOLE:
                break
            if verdict is Verdict.NEXT:
                seen.append(seq)
        assert seen == list(range(start + 1, start + len(seen) + 1))
    assert start + len(seen) == LENGTH
