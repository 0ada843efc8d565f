"""What an account is, and which emails and passwords are accepted. No I/O."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

import regex

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.users.names import folded
from chatterroom.users.second_factor import SecondFactor

__all__ = [
    "Account",
    "email_key",
    "parse_email",
    "parse_password",
    "password_forms",
]

_EMAIL_CHARACTERS = 254
_LOCAL_PART_CHARACTERS = 64
_PASSWORD_BYTES = (8, 1024)
_SPACE = regex.compile(r"\p{Zs}")
_EMAIL = re.compile(
    r"(?P<local>[^\s@\"(),:;<>\[\]\\]+)@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_]{2,63}"
)


@dataclass(frozen=True)
class Account:
    """A registered user."""

    user_id: UserId
    username: str
    email: str
    password_hash: str = field(repr=False)
    created_at: datetime
    password_changed_at: datetime | None = None
    """When the password was changed last; None: never. Not touched by a stronger hash of it."""
    display_name: str = ""
    avatar_id: str = ""
    second_factor: SecondFactor | None = None


def parse_email(text: str) -> str:
    """Return the email address, or raise INVALID_REQUEST where it cannot be one."""
    match = _EMAIL.fullmatch(text) if len(text) <= _EMAIL_CHARACTERS else None
    if match and text.isprintable() and len(match["local"]) <= _LOCAL_PART_CHARACTERS:
        return text
    raise ChatterRoomError(ErrorCode.INVALID_REQUEST, "Enter a valid email address.", field="email")


def email_key(email: str) -> str:
    """Return what two email addresses share that differ in case or form only."""
    return folded(email)


def parse_password(text: str) -> bytes:
    """Return the bytes to hash, or raise WEAK_PASSWORD unless they are 8 to 1024.

    One password may be typed in several ways: all spaces are one, and letters are composed (RFC
    8265, OpaqueString).
    """
    # Composing shortens a text, but never so much.
    password = _composed(text) if len(text) <= _PASSWORD_BYTES[1] * 4 else b""
    if _can_be_password(password):
        return password
    raise _weak_password()


def password_forms(text: str) -> list[bytes]:
    """Return what the hash of a password may have been made of, or raise WEAK_PASSWORD.

    Today's form comes first. Earlier versions took a password as it was typed.
    """
    if len(text) > _PASSWORD_BYTES[1] * 4:
        raise _weak_password()
    forms = dict.fromkeys((_composed(text), text.encode()))
    possible = [form for form in forms if _can_be_password(form)]
    if not possible:
        raise _weak_password()
    return possible


def _composed(text: str) -> bytes:
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text)).encode()


def _can_be_password(password: bytes) -> bool:
    fewest, most = _PASSWORD_BYTES
    return fewest <= len(password) <= most


def _weak_password() -> ChatterRoomError:
    fewest, most = _PASSWORD_BYTES
    return ChatterRoomError(
        ErrorCode.WEAK_PASSWORD,
        f"The password must be {fewest} to {most} bytes long.",
        field="password",
    )
