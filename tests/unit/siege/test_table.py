"""Which attacks there are."""

import pytest
from siege.table import ATTACKS, chosen


def test_no_names_choose_all_attacks():
    assert chosen("") == list(ATTACKS)


def test_names_choose_attacks_in_their_order():
    assert chosen("half-open, big-pages") == ["half-open", "big-pages"]


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(ValueError, match="big-page;"):
        chosen("big-page")
