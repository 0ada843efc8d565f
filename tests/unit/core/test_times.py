from datetime import UTC, datetime, timedelta, timezone

import pytest
from bson.tz_util import utc

from chatterroom.core.times import format_time


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 16, 45, 0, 123_000, UTC), "2026-11-23T16:45:00.123Z"),
        (datetime(2026, 11, 23, 16, 45, tzinfo=UTC), "2026-11-23T16:45:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, UTC), "2026-01-02T03:04:05.999Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 6_999, UTC), "2026-01-02T03:04:05.006Z"),
    ],
    ids=["milliseconds", "a whole second", "microseconds are cut", "and not rounded"],
)
def test_a_moment_is_written_with_milliseconds(moment: datetime, text: str) -> None:
    assert format_time(moment) == text


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    moment = datetime(2026, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert format_time(moment) == "2027-01-01T01:30:00.000Z"


def test_a_moment_as_the_database_driver_gives_it_is_written_alike() -> None:
    assert format_time(datetime(2026, 11, 23, 16, 45, tzinfo=utc)) == "2026-11-23T16:45:00.000Z"
