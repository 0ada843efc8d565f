"""How large a page is, in number and in bytes whatever users have written, and where the next one
begins. Pure."""

import base64
import binascii
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from chatterroom.chat.entries import Entry
from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "DEFAULT_PAGE",
    "ENVELOPE_BYTES",
    "MAX_PAGE",
    "MAX_PAGE_BYTES",
    "checked_limit",
    "decode_cursor",
    "encode_cursor",
    "entry_bytes",
    "fitting",
]

DEFAULT_PAGE = 50
MAX_PAGE = 200
MAX_PAGE_BYTES = 1024 * 1024
"""A page ends before it gets larger than this, but never empty."""

ENVELOPE_BYTES = 512
"""Names of fields, ids and times that a response repeats with every item."""

_CHECKSUM_BYTES = 4

Item = TypeVar("Item")
_encode = msgspec.json.Encoder().encode


def checked_limit(limit: int, default: int = DEFAULT_PAGE) -> int:
    """Return how many items a page may have; 0 asks for the default. Raises INVALID_REQUEST."""
    if not 0 <= limit <= MAX_PAGE:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"limit must be 1 to {MAX_PAGE}.", field="limit"
        )
    return limit or default


def entry_bytes(entry: Entry) -> int:
    """Return at least what an entry takes as JSON, the longest of its encodings."""
    return len(_encode(entry)) + ENVELOPE_BYTES


def fitting(items: Sequence[Item], size_of: Callable[[Item], int], max_bytes: int) -> int:
    """Return how many of the first items fit into a page: at least one, if there is one."""
    left = max_bytes
    for count, item in enumerate(items):
        left -= size_of(item)
        if left < 0 and count:
            return count
    return len(items)


def encode_cursor(listed: str, *place: str) -> str:
    """Return an opaque cursor: `listed` names what is paged, `place` the last item shown."""
    text = msgspec.json.encode((listed, *place))
    checksum = zlib.crc32(text).to_bytes(_CHECKSUM_BYTES)
    return base64.urlsafe_b64encode(checksum + text).decode().rstrip("=")


def decode_cursor(listed: str, cursor: str) -> list[str]:
    """Return the place that `encode_cursor` was given, or raise INVALID_REQUEST where the cursor is
    damaged, or of another list."""
    try:
        whole = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        checksum, text = whole[:_CHECKSUM_BYTES], whole[_CHECKSUM_BYTES:]
        if zlib.crc32(text).to_bytes(_CHECKSUM_BYTES) == checksum:
            kind, *place = msgspec.json.decode(text, type=list[str])
            if kind == listed:
                return place
    except (binascii.Error, ValueError):
        pass
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        "This cursor is not valid for this list.",
        field="cursor",
    )
