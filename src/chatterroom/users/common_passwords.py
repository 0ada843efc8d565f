"""Passwords that everybody tries first, and so nobody may have.

The list holds the 11,611 commonest passwords of eight and more characters, folded to one case,
from the frequency lists of zxcvbn (Dropbox; for Python Daniel Wolf; MIT, see
common_passwords.LICENSE.txt), which were counted in leaks of many sites.
"""

from functools import cache
from pathlib import Path

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["refuse_guessable"]

_LIST = Path(__file__).parent / "common_passwords.txt"


def refuse_guessable(password: str, username: str, email: str) -> None:
    """Raise WEAK_PASSWORD for a common password, and for the user's own name or email."""
    folded = password.casefold()
    if folded in _common():
        raise _weak("This password is too common.")
    if folded in {username.casefold(), email.casefold(), email.partition("@")[0].casefold()}:
        raise _weak("Your password must not be your username or email.")


@cache
def _common() -> frozenset[str]:
    return frozenset(_LIST.read_text(encoding="utf-8").splitlines())


def _weak(reason: str) -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.WEAK_PASSWORD, reason, field="password")
