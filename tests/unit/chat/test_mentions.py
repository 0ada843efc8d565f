"""Which names a text mentions, by the vectors that the web client is held to as well."""

import json
from pathlib import Path

import pytest

from chatterroom.chat.mentions import MAX_MENTIONS, candidates, folded, mentioned_names

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance" / "mentions.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["text"])
def test_a_text_mentions_these_names(case: dict):
    names = {folded(name) for name in case["names"]}
    assert mentioned_names(case["text"], names) == [folded(name) for name in case["mentioned"]]


@pytest.mark.parametrize(
    "unit",
    ["@", "@a", "@a ", "`@a", "@漢", "@a.", "_@a", "[@a](", "https://@a", "```\n@a\n", "@\u0301"],
)
def test_what_is_asked_for_is_bounded_whatever_the_text(unit: str):
    found = candidates(unit * (8_000 // len(unit)))
    assert len(found) <= MAX_MENTIONS
    assert sum(map(len, found)) <= 300
