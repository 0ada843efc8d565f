from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.feed import MAX_HELD, Published, Release


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
