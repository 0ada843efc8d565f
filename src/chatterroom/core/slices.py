"""Long lists in short pieces, so that no step of a loop is long."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["slices"]

Item = TypeVar("Item")


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield pieces of at most `size` items, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
