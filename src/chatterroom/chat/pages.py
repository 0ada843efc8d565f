"""How large a page is: in number, and in bytes whatever users have written. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from chatterroom.chat.entries import Entry
from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["DEFAULT_PAGE", "MAX_PAGE", "MAX_PAGE_BYTES", "checked_limit", "entry_bytes", "fitting"]

DEFAULT_PAGE = 50
MAX_PAGE = 200
MAX_PAGE_BYTES = 1024 * 1024
"""A page ends before it gets larger than this, but never empty."""

# Names of fields, ids and times that an answer repeats with every item.
_ENVELOPE_BYTES = 512

Item = TypeVar("Item")
_encode = msgspec.json.Encoder().encode


def checked_limit(limit: int) -> int:
    """Return how many items a page may have; 0 asks for the default. Raises INVALID_REQUEST."""
    if not 0 <= limit <= MAX_PAGE:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"limit must be 1 to {MAX_PAGE}", field="limit"
        )
    return limit or DEFAULT_PAGE


def entry_bytes(entry: Entry) -> int:
    """Return at least what an entry takes as JSON, the longest of its encodings."""
    return len(_encode(entry)) + _ENVELOPE_BYTES


def fitting(items: Sequence[Item], size_of: Callable[[Item], int], max_bytes: int) -> int:
    """Return how many of the first items fit into a page: at least one, if there is one."""
    left = max_bytes
    for count, item in enumerate(items):
        left -= size_of(item)
        if left < 0 and count:
            return count
    return len(items)
