"""Which names a text mentions, by the vectors that the web client is held to as well."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatterroom.chat import mentions
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


@pytest.mark.parametrize("unit", ["-.", "1.", "a.", "https://a.b/'", "http://a/[", "漢.", "a. "])
def test_addresses_are_looked_for_in_short_pieces_whatever_the_text(
    monkeypatch: pytest.MonkeyPatch, unit: str
):
    searched: list[str] = []

    def match(text: str) -> None:
        searched.append(text)

    monkeypatch.setattr(mentions, "_linkify", SimpleNamespace(match=match))
    candidates("@ann " + (unit * 8_000)[:7_980] + "@bob")
    assert searched
    assert max(map(len, searched)) <= 500


def test_mentions_stand_before_between_and_behind_long_addresses():
    address = "https://example.org/" + "path/" * 40 + "?by=@eve"
    text = f"@ann {address} @ben {address} {address} @cid"
    names = {"ann", "ben", "cid", "eve"}
    assert mentioned_names(text, names) == ["ann", "ben", "cid"]
