"""A new password comes first; the sessions begun with the old one end after it, by any instance."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId
from chatterroom.users.accounts import Account
from chatterroom.users.password_change import PasswordChanges, SessionsToEnd

NOW = datetime(2026, 11, 23, 16, 45, tzinfo=UTC)
ADA = Account(UserId("ada"), "ada", "ada@example.org", "old hash", NOW)
HERS = SessionId("hers")


class Passwords:
    """One account, and the work that is left; it is always due."""

    def __init__(self):
        self.password_hash = "old hash"
        self.work = None

    async def change(self, account, new_hash, at, but, due_at):
        if account.password_hash != self.password_hash:
            return False
        self.password_hash = new_hash
        self.work = SessionsToEnd(account.user_id, at, but)
        return True

    async def claim(self, now, until):
        return self.work

    async def finish(self, work):
        self.work = None


class Sessions:
    def __init__(self, batches):
        self.batches = batches
        self.failing = False

    async def end_of_earlier_passwords(self, user_id, password_set_at, but, now):
        assert (user_id, password_set_at, but) == (ADA.user_id, NOW, HERS)
        if self.failing:
            raise ChatterRoomError(ErrorCode.STORAGE_UNAVAILABLE, "away")
        self.batches -= 1
        return self.batches >= 0


async def carried_on(changes, store):
    task = asyncio.create_task(changes.run())
    async with asyncio.timeout(10):
        while store.work is not None:
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_all_sessions_are_ended_when_a_change_returns():
    store, sessions = Passwords(), Sessions(batches=5)
    assert await PasswordChanges(store, sessions).change(ADA, "new hash", HERS, NOW)
    assert store.password_hash == "new hash"
    assert store.work is None
    assert sessions.batches < 0


async def test_a_change_does_not_wait_for_more_sessions_than_it_has_time_for():
    store, sessions = Passwords(), Sessions(batches=5)
    changes = PasswordChanges(store, sessions, wait_s=0)
    assert await changes.change(ADA, "new hash", HERS, NOW)
    assert store.work is not None
    assert sessions.batches == 4
    await carried_on(changes, store)
    assert sessions.batches < 0


async def test_the_password_is_changed_although_sessions_cannot_be_ended_now():
    store, sessions = Passwords(), Sessions(batches=5)
    changes = PasswordChanges(store, sessions)
    sessions.failing = True
    assert await changes.change(ADA, "new hash", HERS, NOW)
    assert store.password_hash == "new hash"
    sessions.failing = False
    await carried_on(changes, store)
    assert sessions.batches < 0


@pytest.mark.parametrize("batches", [0, 5])
async def test_no_session_ends_if_another_password_came_in_between(batches):
    store, sessions = Passwords(), Sessions(batches)
    earlier = replace(ADA, password_hash="another hash")
    assert not await PasswordChanges(store, sessions).change(earlier, "new hash", HERS, NOW)
    assert sessions.batches == batches
