from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.feed import MAX_HELD, MAX_TAIL, Published, Release, Tail


def entry(seq: int) -> Published:
    return Published(seq, b"%d" % seq, [])


@given(
    st.integers(0, 5),
    st.lists(st.lists(st.integers(1, 30), max_size=5), max_size=30),
)
def test_entries_come_out_in_order_once_and_without_holes(start: int, offers: list[list[int]]):
    release = Release(start)
    out = [got.seq for offer in offers for got in release.offer(map(entry, offer))]
    assert out == list(range(start + 1, start + 1 + len(out)))
    assert release.released == start + len(out)
    offered = {seq for offer in offers for seq in offer}
    assert release.released + 1 not in offered


def test_a_missing_entry_holds_back_what_follows():
    release = Release(0)
    assert release.offer([entry(2), entry(3)]) == []
    assert release.has_hole
    assert [got.seq for got in release.offer([entry(1)])] == [1, 2, 3]
    assert not release.has_hole


def test_what_waits_for_a_missing_entry_is_bounded():
    release = Release(0)
    release.offer(entry(seq) for seq in range(2, 3 * MAX_HELD))
    assert len(release.offer([entry(1)])) == MAX_HELD + 1
    late = [entry(seq) for seq in range(MAX_HELD + 2, MAX_HELD + 600)]
    assert [got.seq for got in release.offer(late)] == [got.seq for got in late]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60))
def test_a_tail_gives_all_that_follows_or_nothing(start: int, older: int, after: int):
    tail = Tail(start)
    tail.append(map(entry, range(start + 1, start + 31)))
    first = max(1, start + 1 - older)
    tail.prepend([entry(seq) for seq in range(first, start + 1)])
    got = tail.after(after)
    if after + 1 < first:
        assert got is None
    else:
        assert got is not None
        assert [each.seq for each in got] == list(range(max(after + 1, first), start + 31))


def test_a_tail_is_bounded_and_then_gives_nothing_for_the_past():
    tail = Tail(0)
    tail.append(map(entry, range(1, MAX_TAIL + 11)))
    assert tail.after(9) is None
    assert len(tail.after(10) or ()) == MAX_TAIL


def test_older_entries_that_leave_a_hole_are_not_taken():
    tail = Tail(10)
    tail.prepend([entry(8)])
    assert tail.after(7) is None


def test_after_a_deletion_nothing_is_told_as_it_was():
    tail = Tail(0)
    tail.append([entry(1), Published(2, b"deleted", [], erases=True), entry(3)])
    assert tail.after(0) is None
    assert tail.after(1) is None
    assert [each.seq for each in tail.after(2) or ()] == [3]
