"""The rules of names, with the vectors that every implementation of them has to pass."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.names import (
    TABLES_VERSION,
    parse_display_name,
    parse_username,
    skeletons,
    username_key,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance" / "names.json").read_text(encoding="utf-8")
)


def look_alike(one, two):
    return not set(skeletons(one)).isdisjoint(skeletons(two))


def refused(parse, text, field):
    with pytest.raises(ChatterRoomError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.data["field"]) == (ErrorCode.INVALID_REQUEST, field)


@pytest.mark.parametrize("case", VECTORS["usernames"], ids=lambda case: ascii(case["text"]))
def test_usernames_are_identifiers_of_one_script_or_of_scripts_written_together(case):
    assert parse_username(case["text"]) == case["name"]


@pytest.mark.parametrize("text", VECTORS["refused_usernames"], ids=ascii)
def test_other_usernames_are_refused(text):
    refused(parse_username, text, "username")


def test_a_text_that_is_far_too_long_is_refused():
    refused(parse_username, "a" * 1_000_000, "username")
    refused(parse_display_name, "a" * 1_000_000, "display_name")


@pytest.mark.parametrize("case", VECTORS["display_names"], ids=lambda case: ascii(case["text"]))
def test_display_names_are_normalised(case):
    assert parse_display_name(case["text"]) == case["name"]


@pytest.mark.parametrize("text", VECTORS["refused_display_names"], ids=ascii)
def test_display_names_that_deceive_or_show_nothing_are_refused(text):
    refused(parse_display_name, text, "display_name")


@pytest.mark.parametrize(("one", "two"), VECTORS["alike"], ids=ascii)
def test_names_that_look_alike_share_a_skeleton(one, two):
    assert look_alike(one, two)
    assert look_alike(two, one)


@pytest.mark.parametrize(("one", "two"), VECTORS["different"], ids=ascii)
def test_names_that_look_different_share_none(one, two):
    assert not look_alike(one, two)


@given(st.text(max_size=40))
def test_what_is_accepted_once_is_accepted_unchanged_again(text):
    for parse in (parse_username, parse_display_name):
        try:
            name = parse(text)
        except ChatterRoomError:
            continue
        assert parse(name) == name
        assert look_alike(name, name)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=3, max_size=32))
def test_a_username_looks_like_itself_in_any_case(text):
    try:
        name = parse_username(text)
    except ChatterRoomError:
        return
    assert username_key(name) == username_key(unicodedata.normalize("NFD", name))
    assert look_alike(name, unicodedata.normalize("NFD", name))
    assert look_alike(name, username_key(name))


def test_case_and_form_make_no_other_username():
    assert username_key("STRASSE") == username_key("straße")
    assert username_key("Bob") == username_key("bOB")


def test_the_tables_are_no_older_than_the_characters_of_this_python():
    tables = tuple(map(int, TABLES_VERSION.split(".")))
    assert tables >= tuple(map(int, unicodedata.unidata_version.split(".")))
