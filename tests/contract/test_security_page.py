"""The matrix of docs/security.md has every row, and each is tested where it says."""

import re
from pathlib import Path

import pytest

from .conftest import DOCS

ROOT = DOCS.parent
ATTACKS = ROOT / "tests" / "system" / "attacks"
PAGE = (DOCS / "security.md").read_text()
ROWS = {int(row[0]): row[-1] for row in re.findall(r"^\| (\d+) \|.*?\| ([^|]*) \|$", PAGE, re.M)}


def file(name: str) -> Path:
    return ROOT / name if "/" in name else ATTACKS / name


def test_the_matrix_is_complete():
    assert list(ROWS) == list(range(1, 52))


@pytest.mark.parametrize("row", range(1, 52))
def test_a_row_is_tried_where_the_page_says(row: int):
    files = [file(name) for name in re.findall(r"`([^`]+)`", ROWS[row])]
    assert files
    # By the name of a test (`test_row_7_…`, `test_rows_30_and_31_…`) or of a row of a table.
    named = re.compile(rf"def test_row\w*_{row}_|Attack\({row}, |\"{row}-")
    attacks = [path for path in files if path.parent == ATTACKS]
    assert all(path.is_file() for path in files)
    assert attacks
    assert all(named.search(path.read_text()) for path in attacks), files
