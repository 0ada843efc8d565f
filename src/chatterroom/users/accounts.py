"""What an account is, and which usernames, emails and passwords are accepted. No I/O."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.users.second_factor import SecondFactor

__all__ = [
    "Account",
    "email_key",
    "parse_email",
    "parse_password",
    "parse_username",
    "username_key",
]

_USERNAME_CHARACTERS = (3, 32)
_EMAIL_CHARACTERS = 254
_LOCAL_PART_CHARACTERS = 64
_PASSWORD_BYTES = (8, 1024)
_EMAIL = re.compile(
    r"(?P<local>[^\s@\"(),:;<>\[\]\\]+)@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_]{2,63}"
)
# Scripts whose letters pass for each other: a name keeps to one of them.
_LOOK_ALIKES = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
# Letters to Unicode that nobody can see.
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")


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


def parse_username(text: str) -> str:
    """Return the username in its normal form (NFKC), or raise INVALID_REQUEST.

    3 to 32 letters, digits, `_`, `.` and `-`, at least one of them a letter or digit, and no
    mixture of scripts that look alike.
    """
    fewest, most = _USERNAME_CHARACTERS
    # Normalising may shorten a text, but never to an eighth.
    username = unicodedata.normalize("NFKC", text) if len(text) <= most * 8 else ""
    if (
        fewest <= len(username) <= most
        and all(map(_may_be_in_username, username))
        and any(map(str.isalnum, username))
        and len(_LOOK_ALIKES.intersection(map(_script, username))) <= 1
    ):
        return username
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        f"username must be {fewest} to {most} letters, digits, '_', '.' or '-', of one script",
        field="username",
    )


def username_key(username: str) -> str:
    """Return what two usernames share that differ in case or form only."""
    return _folded(username)


def parse_email(text: str) -> str:
    """Return the email address, or raise INVALID_REQUEST where it cannot be one."""
    match = _EMAIL.fullmatch(text) if len(text) <= _EMAIL_CHARACTERS else None
    if match and text.isprintable() and len(match["local"]) <= _LOCAL_PART_CHARACTERS:
        return text
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST, "email is not a valid email address", field="email"
    )


def email_key(email: str) -> str:
    """Return what two email addresses share that differ in case or form only."""
    return _folded(email)


def parse_password(text: str) -> bytes:
    """Return the bytes to hash, or raise WEAK_PASSWORD unless they are 8 to 1024."""
    fewest, most = _PASSWORD_BYTES
    password = text.encode()
    if fewest <= len(password) <= most:
        return password
    raise ChatterRoomError(
        ErrorCode.WEAK_PASSWORD,
        f"password must be {fewest} to {most} bytes long",
        field="password",
    )


def _may_be_in_username(character: str) -> bool:
    if character in _INVISIBLE_LETTERS:
        return False
    category = unicodedata.category(character)
    return category[0] == "L" or category == "Nd" or character in "_.-"


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
