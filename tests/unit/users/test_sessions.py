import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, new_id
from chatterroom.core.times import now
from chatterroom.users.sessions import Exchange, Origin, RefreshToken


def test_a_refresh_token_survives_its_text():
    token = RefreshToken.first(SessionId(new_id()))
    assert RefreshToken.parse(token.text()) == token


def test_the_successor_is_of_the_same_family_with_another_secret():
    token = RefreshToken.first(SessionId(new_id()))
    successor = token.successor("salt")
    assert (successor.session_id, successor.family) == (token.session_id, token.family)
    assert successor.secret_hash != token.secret_hash
    assert RefreshToken.parse(successor.text()) == successor


def test_the_successor_depends_on_the_secret_and_on_the_salt():
    token, other = (RefreshToken.first(SessionId(new_id())) for _ in range(2))
    assert token.successor("salt") == token.successor("salt")
    assert token.successor("salt").secret != token.successor("pepper").secret
    assert token.successor("salt").secret != other.successor("salt").secret


@pytest.mark.parametrize("exchanged", range(6))
def test_every_exchanged_token_leads_to_the_newest(exchanged):
    tokens, exchanges = [RefreshToken.first(SessionId(new_id()))], []
    for _ in range(5):
        exchanges.append(Exchange.of(tokens[-1], now()))
        tokens.append(tokens[-1].successor(exchanges[-1].salt))
    assert tokens[exchanged].newest(exchanges) == tokens[-1]
    assert tokens[exchanged].newest(exchanges[exchanged:]) == tokens[-1]


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
