import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.common_passwords import _common, refuse_guessable


def refuse(password):
    refuse_guessable(password, "ada.lovelace", "countess@example.org")


def test_the_list_is_long_and_holds_only_what_could_be_a_password():
    assert len(_common()) >= 10_000
    assert all(len(each.encode()) >= 8 and each == each.casefold() for each in _common())


@pytest.mark.parametrize("password", ["12345678", "PassWord", "iloveyou1", "QWERTYUIOP"])
def test_common_passwords_are_refused_in_any_case(password):
    with pytest.raises(ChatterRoomError) as caught:
        refuse(password)
    assert caught.value.code is ErrorCode.WEAK_PASSWORD
    assert caught.value.data == {"field": "password"}


@pytest.mark.parametrize("password", ["Ada.Lovelace", "Countess@Example.ORG", "COUNTESS"])
def test_ones_own_name_and_email_are_refused(password):
    with pytest.raises(ChatterRoomError):
        refuse(password)


def test_other_passwords_are_accepted():
    for password in ("correct horse battery staple", "soup at noon", "12345678 and more"):
        refuse(password)
