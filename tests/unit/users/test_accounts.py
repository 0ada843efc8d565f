import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.accounts import email_key, parse_email, parse_password


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


def test_a_password_is_8_to_1024_bytes():
    assert parse_password("12345678") == b"12345678"
    assert parse_password("ü" * 4) == "üüüü".encode()
    assert len(parse_password("x" * 1024)) == 1024
    for text in ("", "1234567", "x" * 1025, "ü" * 513):
        assert refusal(parse_password, text) is ErrorCode.WEAK_PASSWORD
