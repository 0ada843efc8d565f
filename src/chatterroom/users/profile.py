"""What users show of themselves, and what their clients keep for them. No I/O."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "Avatar",
    "Person",
    "ProfileChange",
    "Upload",
    "parse_avatar",
    "parse_preferences",
]

_AVATAR_CHARACTERS = 40_000
_PREFERENCES_BYTES = 8 * 1024
_DATA_URL = re.compile(r"data:image/(png|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class Person:
    """A user as others see them in lists."""

    username: str
    display_name: str = ""
    avatar_id: str = ""
    deleted: bool = False


@dataclass(frozen=True)
class Avatar:
    """A picture. `avatar_id` is made of its bytes: another picture has another one."""

    content_type: str
    data: bytes = field(repr=False)
    avatar_id: str


@dataclass(frozen=True)
class Upload:
    """A picture as a user has sent it, not decoded yet."""

    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class ProfileChange:
    """What is to change; None leaves it as it is, an empty display name means none.

    The username is as the user has given it.
    """

    username: str | None = None
    display_name: str | None = None
    avatar: Upload | None = None
    remove_avatar: bool = False
    preferences: str | None = None


def parse_avatar(data_url: str) -> Upload:
    """Return the picture of a data URL, or raise INVALID_REQUEST unless it begins as it says."""
    match = _DATA_URL.fullmatch(data_url) if len(data_url) <= _AVATAR_CHARACTERS else None
    if match:
        try:
            data = base64.b64decode(match[2], validate=True)
        except ValueError:
            data = b""
        if _BEGINS[match[1]](data):
            return Upload(f"image/{match[1]}", data)
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        "avatar must be a data: URL of a PNG, JPEG or WebP picture in base64, "
        f"at most {_AVATAR_CHARACTERS:,} characters.",
        field="avatar",
    )


def parse_preferences(text: str) -> str:
    """Return the JSON object without spaces, or raise INVALID_REQUEST; at most 8 KiB."""
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        compact = msgspec.json.encode(found)
    except (msgspec.DecodeError, msgspec.EncodeError, ValueError, RecursionError):
        compact = None
    if compact is not None and len(compact) <= _PREFERENCES_BYTES:
        return compact.decode()
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        f"preferences must be a JSON object of at most {_PREFERENCES_BYTES:,} bytes.",
        field="preferences",
    )


_BEGINS = {
    "png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "webp": lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP",
}
