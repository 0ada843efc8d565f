"""The tables of docs/security.md: each attack is tested where the page says."""

import re
from pathlib import Path

import pytest

from .conftest import DOCS

ROOT = DOCS.parent
ATTACKS = ROOT / "tests" / "system" / "attacks"
PAGE = (DOCS / "security.md").read_text()


def rows(heading: str) -> dict[int, str]:
    """Return the last column of each row of the table under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (\d+) \|.*?\| ([^|]*) \|$", section, re.M)
    return {int(number): tested_in for number, tested_in in found}


MATRIX = rows("Attacks")
ONE_AGAINST_ALL = rows("One user against all")


def file(name: str) -> Path:
    return ROOT / name if "/" in name else ATTACKS / name


def test_the_matrix_is_complete():
    assert list(MATRIX) == list(range(1, 52))


def test_the_rows_of_one_user_against_all_are_in_order():
    assert list(ONE_AGAINST_ALL) == sorted(ONE_AGAINST_ALL)


def test_every_attack_of_the_matrix_is_tried_on_a_running_platform():
    for tested_in in MATRIX.values():
        assert any("/" not in name for name in re.findall(r"`([^`]+)`", tested_in))


@pytest.mark.parametrize(("row", "tested_in"), [*MATRIX.items(), *ONE_AGAINST_ALL.items()])
def test_a_row_is_tried_where_the_page_says(row: int, tested_in: str):
    files = [file(name) for name in re.findall(r"`([^`]+)`", tested_in)]
    assert files
    # By the name of a test (`test_row_7_…`, `test_rows_30_and_31_…`) or of a row of a table.
    named = re.compile(rf"def test_row\w*_{row}_|Attack\({row}, |\"{row}-")
    attacks = [path for path in files if path.parent == ATTACKS]
    assert all(path.is_file() for path in files)
    assert all(named.search(path.read_text()) for path in attacks), files
