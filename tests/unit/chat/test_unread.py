"""What is unread and for whom receipts count, checked against the plain definition."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.memberships import Membership
from chatterroom.chat.unread import (
    NewestEntry,
    Position,
    Raised,
    own_index,
    position_of,
    receipt_counts,
    unread,
)
from chatterroom.core.ids import UserId, new_id, room_conversation_id
from chatterroom.core.times import now

ME, OTHER = UserId(new_id()), UserId(new_id())
ROOM = room_conversation_id(new_id())


@dataclass(frozen=True)
class Said:
    """A message, or another entry, and whether it was deleted."""

    sender_id: UserId
    is_message: bool
    deleted: bool = False


entries = st.lists(
    st.builds(Said, st.sampled_from([ME, OTHER]), st.booleans(), st.booleans()), max_size=12
)


def membership(read: int, delivered: int, joined: int, added_by: UserId | None) -> Membership:
    return Membership(ME, ROOM, None, 1, read, delivered, now(), joined, added_by)


def newest_of(log: list[Said]) -> tuple[list[NewestEntry], int]:
    index, found = 0, []
    for said in log:
        index += said.is_message
        found.append(NewestEntry(said.is_message, index, said.sender_id))
    return found[::-1], index


@given(entries, st.integers(0, 6), st.integers(0, 12), st.booleans())
def test_unread_is_the_messages_of_others_behind_the_last_mark_and_own_message(
    log, joined, read, is_news
):
    newest, index = newest_of(log)
    joined = min(joined, index)
    read = max(joined, min(read, index))
    stored = membership(read, read, joined, OTHER if is_news else None)
    position = position_of(stored, Raised(), own_index(ME, newest))
    expected = [said for said in log if said.is_message]
    last_own = max((n for n, said in enumerate(expected, 1) if said.sender_id == ME), default=0)
    behind = expected[max(read, last_own) :]
    deleted = sum(said.deleted for said in behind)
    has_looked = last_own > read
    alive = sum(not said.deleted for said in behind)
    assert unread(position, index, deleted) == (alive or int(is_news and not has_looked))


@given(entries, st.lists(st.sampled_from([ME, OTHER]), max_size=5))
def test_no_other_entry_changes_what_is_unread(log, others):
    before, index = newest_of(log)
    after, same = newest_of(log + [Said(user, is_message=False) for user in others])
    assert index == same
    assert own_index(ME, before) == own_index(ME, after)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans(), st.integers(0, 9))
def test_marks_only_rise(read, raised_read, raised_delivered, seen, own):
    raised = Raised(raised_read, max(raised_read, raised_delivered), seen)
    position = position_of(membership(read, read, 0, OTHER), raised, own)
    assert position.read_index == max(read, raised_read, own)
    assert position.delivered_index >= position.read_index
    higher = position_of(membership(read + 1, read + 1, 0, OTHER), raised, own)
    assert higher.read_index >= position.read_index


def test_having_been_added_is_unread_until_one_looks():
    added = membership(3, 3, 3, OTHER)
    assert unread(position_of(added, Raised(), 0), 3, 0) == 1
    assert unread(position_of(added, Raised(delivered=3), 0), 3, 0) == 1
    assert unread(position_of(added, Raised(seen=True), 0), 3, 0) == 0
    assert unread(position_of(added, Raised(), 4), 4, 0) == 0
    assert unread(position_of(replace(added, added_by=None), Raised(), 0), 3, 0) == 0


def test_unread_is_never_negative():
    assert unread(Position(5, 5), 3, 0) == 0
    assert unread(Position(0, 0), 3, 4) == 0


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_mark_is_no_receipt_for_what_came_before(message_index, joined, later):
    mark = joined + later
    counts = receipt_counts(message_index, mark, joined)
    assert counts == (joined < message_index <= mark)
    if later == 0:
        assert not counts
