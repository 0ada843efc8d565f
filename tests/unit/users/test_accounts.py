import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.accounts import email_key, parse_email, parse_password, password_forms


def refusal(parse, text):
    with pytest.raises(ChatterRoomError) as caught:
        parse(text)
    return caught.value.code


def test_case_and_form_make_no_other_email():
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


@pytest.mark.parametrize("typed", ["café-crème-7", "cafe\u0301-cre\u0300me-7"])
def test_a_password_is_the_same_however_its_letters_are_made(typed):
    assert parse_password(typed) == "café-crème-7".encode()
    assert password_forms(typed)[0] == "café-crème-7".encode()
    assert typed.encode() in password_forms(typed)


def test_all_spaces_of_a_password_are_one():
    typed = "correct\u00a0horse\u3000battery"
    assert parse_password(typed) == b"correct horse battery"
    assert password_forms("correct horse battery") == [b"correct horse battery"]


def test_a_password_of_before_may_be_longer_or_shorter_than_todays_form():
    typed = "e\u0301" * 3
    assert refusal(parse_password, typed) is ErrorCode.WEAK_PASSWORD
    assert password_forms(typed) == [typed.encode()]
    assert refusal(password_forms, "short") is ErrorCode.WEAK_PASSWORD
    assert refusal(password_forms, "x" * 1_000_000) is ErrorCode.WEAK_PASSWORD


def test_a_password_is_8_to_1024_bytes():
    assert parse_password("12345678") == b"12345678"
    assert parse_password("ü" * 4) == "üüüü".encode()
    assert len(parse_password("x" * 1024)) == 1024
    for text in ("", "1234567", "x" * 1025, "ü" * 513):
        assert refusal(parse_password, text) is ErrorCode.WEAK_PASSWORD
