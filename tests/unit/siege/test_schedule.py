"""When attacks go on."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from siege.schedule import phases


@given(seed=st.integers(0, 10**6), seconds=st.floats(5, 600))
def test_phases_are_in_order_apart_and_one_holds_the_middle(seed: int, seconds: float):
    planned = phases(seed, "big-pages", seconds)
    assert all(phase.start_s < phase.end_s for phase in planned)
    for before, after in itertools.pairwise(planned):
        assert before.end_s < after.start_s
    middle = seconds / 2
    assert sum(phase.start_s <= middle <= phase.end_s for phase in planned) == 1
    assert planned[-1].end_s <= seconds


@pytest.mark.parametrize("attack", ["big-pages", "room-flood"])
def test_the_same_seed_plans_the_same(attack: str):
    assert phases(7, attack, 60) == phases(7, attack, 60)
    assert phases(7, attack, 60) != phases(8, attack, 60)
