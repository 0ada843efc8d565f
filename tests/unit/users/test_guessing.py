"""The limit on wrong passwords, with counts in a real MongoDB and a clock of the test's own."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import AsyncMongoClient

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.guessing import Guesses
from chatterroom.users.guessing_mongo import MAX_PLACES, GuessStore

START = datetime(2026, 11, 23, 16, 45, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EMAIL = "ada@example.org"


@pytest.fixture
async def guesses(mongo_url):
    async with (
        AsyncMongoClient(mongo_url, tz_aware=True) as client,
        GuessStore(client.get_default_database()) as store,
    ):
        yield Guesses(store, 3, 10 * MINUTE)


async def refused(admitting) -> ChatterRoomError:
    with pytest.raises(ChatterRoomError) as caught:
        await admitting
    assert caught.value.code is ErrorCode.RATE_LIMITED
    return caught.value


async def test_after_too_many_failures_an_account_is_refused_wherever_they_came_from(guesses):
    for n in range(3):
        await guesses.admit(EMAIL, f"203.0.113.{n}", START + n * MINUTE)
    error = await refused(guesses.admit(EMAIL, "198.51.100.7", START + 4 * MINUTE))
    assert error.retry_after_s == 360
    await guesses.admit("other@example.org", "203.0.113.1", START + 4 * MINUTE)


async def test_the_count_ends_with_the_window_and_refusals_do_not_prolong_it(guesses):
    for n in range(3):
        await guesses.admit(EMAIL, "203.0.113.1", START + n * MINUTE)
    for n in range(3, 10):
        await refused(guesses.admit(EMAIL, "203.0.113.1", START + n * MINUTE))
    await guesses.admit(EMAIL, "203.0.113.1", START + 10 * MINUTE)
    await refused(guesses.admit(EMAIL, "203.0.113.1", START + 10 * MINUTE))


async def test_who_guesses_does_not_lock_out_the_owner_at_a_known_place(guesses):
    login = await guesses.admit(EMAIL, "192.0.2.1", START)
    await guesses.succeeded(login)
    for n in range(3):
        await guesses.admit(EMAIL, f"203.0.113.{n}", START + n * MINUTE)
    await refused(guesses.admit(EMAIL, "203.0.113.9", START + 3 * MINUTE))
    await guesses.succeeded(await guesses.admit(EMAIL, "192.0.2.1", START + 3 * MINUTE))


async def test_a_known_place_has_a_limit_of_its_own(guesses):
    await guesses.succeeded(await guesses.admit(EMAIL, "192.0.2.1", START))
    for n in range(3):
        await guesses.admit(EMAIL, "192.0.2.1", START + n * MINUTE)
    await refused(guesses.admit(EMAIL, "192.0.2.1", START + 3 * MINUTE))
    await guesses.admit(EMAIL, "203.0.113.1", START + 3 * MINUTE)


async def test_a_place_is_known_for_one_account_only_and_not_for_ever(guesses):
    await guesses.succeeded(await guesses.admit(EMAIL, "192.0.2.1", START))
    later = START + timedelta(days=91)
    for email, now in [("other@example.org", START), (EMAIL, later)]:
        for n in range(3):
            await guesses.admit(email, f"203.0.113.{n}", now)
        await refused(guesses.admit(email, "192.0.2.1", now))


async def test_a_network_of_ipv6_is_one_place(guesses):
    await guesses.succeeded(await guesses.admit(EMAIL, "2001:db8::1", START))
    for n in range(3):
        await guesses.admit(EMAIL, f"203.0.113.{n}", START)
    await guesses.admit(EMAIL, "2001:db8::ffff:2", START)
    await refused(guesses.admit(EMAIL, "2001:db8:0:1::1", START))


async def test_of_many_at_once_no_more_than_the_limit_get_through(guesses):
    outcomes = await asyncio.gather(
        *(guesses.admit(EMAIL, "203.0.113.1", START) for _ in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 3


async def test_a_right_password_does_not_count(guesses):
    for n in range(5):
        await guesses.forgive(await guesses.admit(EMAIL, "203.0.113.1", START + n * MINUTE))
    assert await guesses.admit(EMAIL, "203.0.113.1", START + 6 * MINUTE)


async def test_confirmations_count_for_themselves(guesses):
    for n in range(3):
        await guesses.admit_confirmation("ada", START + n * MINUTE)
    await refused(guesses.admit_confirmation("ada", START + 3 * MINUTE))
    assert await guesses.admit(EMAIL, "203.0.113.1", START + 3 * MINUTE)


async def test_forgotten_places_are_known_no_more(guesses):
    await guesses.succeeded(await guesses.admit(EMAIL, "192.0.2.1", START))
    await guesses.forget(EMAIL)
    for n in range(3):
        await guesses.admit(EMAIL, f"203.0.113.{n}", START)
    await refused(guesses.admit(EMAIL, "192.0.2.1", START))


async def test_only_the_newest_places_of_an_account_are_remembered(guesses, mongo_url):
    places = [f"192.0.2.{n}" for n in range(MAX_PLACES + 5)]
    for n, place in enumerate(places):
        at = START + n * MINUTE
        await guesses.succeeded(await guesses.admit(EMAIL, place, at))
    async with AsyncMongoClient(mongo_url) as client:
        remembered = client.get_default_database().login_places
        assert await remembered.count_documents({}) == MAX_PLACES


async def test_two_attempts_in_one_millisecond_are_two(guesses):
    first, second = [await guesses.admit(EMAIL, "203.0.113.1", START) for _ in range(2)]
    assert first.attempt_id != second.attempt_id
    await guesses.forgive(first)
    await guesses.admit(EMAIL, "203.0.113.1", START)
    await guesses.admit(EMAIL, "203.0.113.1", START)
    await refused(guesses.admit(EMAIL, "203.0.113.1", START))
    # Forgiven twice is forgiven once.
    await guesses.forgive(second)
    await guesses.forgive(second)
    await guesses.admit(EMAIL, "203.0.113.1", START)
    await refused(guesses.admit(EMAIL, "203.0.113.1", START))
