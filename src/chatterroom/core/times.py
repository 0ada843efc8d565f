"""Moments as clients see them: RFC 3339, UTC, milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["format_time", "now", "parse_time"]


def now() -> datetime:
    """Return the present, aware, cut to the milliseconds that MongoDB keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# An entry is told, acknowledged and listed with the same moments.
@lru_cache(maxsize=1_000)
def format_time(moment: datetime) -> str:
    """Write an aware moment as `2026-11-23T16:45:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Read what `format_time` has written. Raises `ValueError`."""
    return datetime.fromisoformat(text)
