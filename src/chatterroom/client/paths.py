"""Ids and emoji as segments of a path, whatever they hold."""

from urllib.parse import quote

__all__ = ["segment"]


def segment(text: str) -> str:
    """Return a segment that stands for `text` and nothing else, or raise ValueError for "".

    Dots are encoded, too: "." and ".." would name another path, and be cut out on the way.
    """
    if not text:
        raise ValueError("an id in a path is never empty")
    return quote(text, safe="").replace(".", "%2E")
