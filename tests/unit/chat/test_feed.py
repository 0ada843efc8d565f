from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat import feed
from chatterroom.chat.feed import (
    MAX_HELD,
    MAX_HELD_BYTES,
    MAX_TAIL,
    MAX_TAIL_BYTES,
    Early,
    EarlyTotal,
    KeptTails,
    Published,
    Tail,
)

ROOMY = 10**9


def entry(seq: int, size: int = 1) -> Published:
    return Published(seq, b"%d" % seq * size, [])


def Release(released: int) -> feed.Release:  # noqa: N802 -- with room for all
    return feed.Release(released, EarlyTotal(ROOMY))


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
    got = tail.after(after, ROOMY)
    if after + 1 < first:
        assert got is None
    else:
        assert got is not None
        assert [each.seq for each in got] == list(range(max(after + 1, first), start + 31))


def test_a_tail_is_bounded_and_then_gives_nothing_for_the_past():
    tail = Tail(0)
    tail.append(map(entry, range(1, MAX_TAIL + 11)))
    assert tail.after(9, ROOMY) is None
    assert len(tail.after(10, ROOMY) or ()) == MAX_TAIL


def test_older_entries_that_leave_a_hole_are_not_taken():
    tail = Tail(10)
    tail.prepend([entry(8)])
    assert tail.after(7, ROOMY) is None


def test_after_a_deletion_nothing_is_told_as_it_was():
    tail = Tail(0)
    tail.append([entry(1), Published(2, b"deleted", [], erases=True), entry(3)])
    assert tail.after(0, ROOMY) is None
    assert tail.after(1, ROOMY) is None
    assert [each.seq for each in tail.after(2, ROOMY) or ()] == [3]


def test_what_is_held_is_bounded_in_bytes_and_one_entry_always_fits():
    release = Release(0)
    release.offer(entry(seq, 10_000) for seq in range(1000, 1500))
    assert release.has_hole
    assert 0 < release._held._total.bytes <= MAX_HELD_BYTES
    huge = Release(0)
    huge.offer([entry(2, MAX_HELD_BYTES)])
    assert huge.has_hole
    assert len(huge.offer([entry(1)])) == 2
    assert huge._held._total.bytes == 0


def test_what_comes_early_in_all_conversations_is_bounded_in_bytes():
    total = EarlyTotal(100_000)
    many = [Early(total) for _ in range(50)]
    for early in many:
        for seq in range(2, 10):
            early.add(entry(seq, 1000))
    # One of each, besides what fits.
    assert total.bytes < 100_000 + 50 * 1300
    assert all(len(early) >= 1 for early in many)
    for early in many:
        assert early.pop_all()[0].seq == 2
    assert total.bytes == 0


def test_a_tail_is_bounded_in_bytes_also_where_older_entries_join():
    tail = Tail(100)
    tail.append(entry(seq, 30_000) for seq in range(101, 200))
    assert tail.bytes <= MAX_TAIL_BYTES
    newest = tail.after(198, ROOMY)
    assert newest is not None
    tail.forget()
    assert (tail.bytes, tail.after(199, ROOMY), tail.after(198, ROOMY)) == (0, [], None)
    tail.prepend([entry(seq, 30_000) for seq in range(1, 200)])
    assert 0 < tail.bytes <= MAX_TAIL_BYTES


def test_a_piece_of_a_tail_is_bounded_in_bytes_and_never_empty():
    tail = Tail(0)
    tail.append(entry(seq, 1000) for seq in range(1, 10))
    assert [each.seq for each in tail.after(2, 2500) or ()] == [3, 4]
    assert [each.seq for each in tail.after(2, 1) or ()] == [3]
    assert tail.after(9, 1) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=200))
def test_tails_together_are_bounded_and_the_ones_used_last_stay(uses: list[tuple[int, int]]):
    # More than one tail may hold alone.
    kept = KeptTails(2_000_000)
    tails = [Tail(0) for _ in range(10)]
    last = [0] * 10
    for at, size in uses:
        last[at] += 1
        tails[at].append([Published(last[at], bytes(size * 1000), [])])
        kept.used(tails[at])
        assert kept.bytes == sum(tail.bytes for tail in tails) <= 2_000_000
        assert tails[at].after(last[at] - 1, ROOMY)
    for tail in tails:
        kept.drop(tail)
    assert kept.bytes == 0
