import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, new_id
from chatterroom.users.sessions import Origin, RefreshToken


def test_a_refresh_token_survives_its_text():
    token = RefreshToken.first(SessionId(new_id()))
    assert RefreshToken.parse(token.text()) == token


def test_the_next_token_is_of_the_same_family_with_another_secret():
    token = RefreshToken.first(SessionId(new_id()))
    successor = token.next()
    assert (successor.session_id, successor.family) == (token.session_id, token.family)
    assert successor.secret_hash != token.secret_hash


def test_a_token_is_not_shown_and_not_stored():
    token = RefreshToken.first(SessionId(new_id()))
    assert token.secret not in repr(token)
    assert token.family not in repr(token)
    assert token.secret not in token.secret_hash + token.family_hash


@pytest.mark.parametrize("text", ["", "a.b.c", "x" * 100_000, "\0", '{"$ne": null}'])
def test_what_is_no_refresh_token_is_refused(text):
    with pytest.raises(ChatterRoomError) as caught:
        RefreshToken.parse(text)
    assert caught.value.code is ErrorCode.TOKEN_INVALID


def test_an_origin_is_cut_to_what_may_be_shown():
    origin = Origin.of("Fire\nfox\0\u202e" + "x" * 1000, "1" * 100)
    assert origin.device.startswith("Firefoxx")
    assert len(origin.device) <= 200
    assert origin.address == "1" * 64
