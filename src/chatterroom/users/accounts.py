"""What an account is, and which emails and passwords are accepted. No I/O."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.users.names import folded
from chatterroom.users.second_factor import SecondFactor

__all__ = [
    "Account",
    "email_key",
    "parse_email",
    "parse_password",
]

_EMAIL_CHARACTERS = 254
_LOCAL_PART_CHARACTERS = 64
_PASSWORD_BYTES = (8, 1024)
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
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST, "email is not a valid email address", field="email"
    )


def email_key(email: str) -> str:
    """Return what two email addresses share that differ in case or form only."""
    return folded(email)


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
