from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from chatterroom.users.recovery_codes import new_recovery_codes, recovery_code_hash
from chatterroom.users.second_factor import matching_step, new_secret, secret_text, setup_uri

# RFC 6238, appendix B, cut to six digits.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_rfc(seconds, code):
    assert matching_step(RFC_SECRET, code, at(seconds)) == seconds // 30


def test_a_code_is_accepted_one_step_early_and_one_step_late():
    # 050471 is the code of the step from 1111111110 to 1111111139.
    step = 1111111110 // 30
    for after_s, expected in [(-31, None), (-30, step), (0, step), (59, step), (60, None)]:
        assert matching_step(RFC_SECRET, "050471", at(1111111110 + after_s)) == expected


@pytest.mark.parametrize("code", ["", "287 082", "28708", "2870820", "२८७०८२", "abcdef"])
def test_nothing_else_is_a_code(code):
    assert matching_step(RFC_SECRET, code, at(59)) is None


def test_the_uri_holds_the_secret_and_the_account():
    uri = urlsplit(setup_uri(RFC_SECRET, "ada@example.org"))
    assert (uri.scheme, uri.netloc, uri.path) == (
        "otpauth",
        "totp",
        "/ChatterRoom:ada%40example.org",
    )
    assert parse_qs(uri.query)["secret"] == [secret_text(RFC_SECRET)]
    assert len(new_secret()) == 20
    assert new_secret() != new_secret()


def test_recovery_codes_are_ten_and_differ():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 19 for code in codes)


def test_a_recovery_code_is_the_same_however_it_is_typed():
    code = new_recovery_codes()[0]
    assert recovery_code_hash(code) == recovery_code_hash(f" {code.upper().replace('-', ' ')}")
    assert recovery_code_hash(code) != recovery_code_hash(code[:-1])
