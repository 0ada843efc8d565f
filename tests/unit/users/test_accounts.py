import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.accounts import (
    email_key,
    parse_email,
    parse_password,
    parse_username,
    username_key,
)


def refusal(parse, text):
    with pytest.raises(ChatterRoomError) as caught:
        parse(text)
    return caught.value.code


@pytest.mark.parametrize("name", ["bob", "Bob_1.x-y", "a" * 32, "Ирина", "大輔さん", "zoë", "_a_"])
def test_letters_digits_and_three_marks_make_a_username(name):
    assert parse_username(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 33,
        "a" * 1_000_000,
        "a b c",
        "a\0bc",
        "abc\n",
        "...",
        "bob\u200b",
        "\u202ebob",
        "bob\u3164",
        "<b>bob",
        "bob@x",
        "$ne:1",
        "pаypal",  # the second letter is Cyrillic
        "😀😀😀",
    ],
)
def test_other_usernames_are_refused(name):
    assert refusal(parse_username, name) is ErrorCode.INVALID_REQUEST


def test_a_username_is_kept_in_its_normal_form():
    assert parse_username("ｂｏｂ") == "bob"
    assert parse_username("zoe\u0308") == "zoë"


@given(st.text(max_size=40))
def test_what_is_accepted_once_is_accepted_unchanged_again(text):
    try:
        name = parse_username(text)
    except ChatterRoomError:
        return
    assert parse_username(name) == name
    assert username_key(name) == username_key(name.swapcase().swapcase())


def test_case_and_form_make_no_other_user():
    assert username_key("STRASSE") == username_key("straße")
    assert username_key("Bob") == username_key("bOB")
    assert email_key("Bob@Example.ORG") == email_key("bob@example.org")
    assert email_key("bob@example.org") != email_key("bob1@example.org")


@pytest.mark.parametrize(
    "email", ["a@b.co", "first.last+tag@mail.example.org", "ü@exämple.org", "x@1.example"]
)
def test_sane_emails_are_accepted(email):
    assert parse_email(email) == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@",
        "@b.co",
        "a@b",
        "a@b..co",
        "a@-b.co",
        "a@b.c",
        "a b@c.de",
        "a@b.co\n",
        "a\0@b.co",
        "a\u202e@b.co",
        "a@b@c.de",
        "<a@b.co>",
        "a" * 65 + "@b.co",
        "a@" + "b." * 130 + "co",
        '{"$ne": null}',
    ],
)
def test_what_cannot_be_an_email_is_refused(email):
    assert refusal(parse_email, email) is ErrorCode.INVALID_REQUEST


def test_a_password_is_8_to_1024_bytes():
    assert parse_password("12345678") == b"12345678"
    assert parse_password("ü" * 4) == "üüüü".encode()
    assert len(parse_password("x" * 1024)) == 1024
    for text in ("", "1234567", "x" * 1025, "ü" * 513):
        assert refusal(parse_password, text) is ErrorCode.WEAK_PASSWORD
