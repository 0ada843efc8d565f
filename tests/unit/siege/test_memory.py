"""Which processes hold more than before."""

from siege.memory import grown

MIB = 1024 * 1024


def test_a_process_may_grow_by_a_part_of_what_it_held():
    before, after = {"chat-1": 100 * MIB}, {"chat-1": 119 * MIB}
    assert grown(before, after, 0.2) == {}
    assert grown(before, after, 0.1).keys() == {"chat-1"}


def test_a_small_process_may_grow_by_some_mib():
    assert grown({"redis": 2 * MIB}, {"redis": 10 * MIB}, 0.2) == {}
    assert grown({"redis": 2 * MIB}, {"redis": 11 * MIB}, 0.2).keys() == {"redis"}


def test_a_process_that_is_gone_has_not_grown():
    assert grown({"chat-1": MIB}, {}, 0.2) == {}
