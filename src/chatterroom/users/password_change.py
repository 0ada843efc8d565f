"""A new password, and the end of all sessions begun with an earlier one, however many."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from chatterroom.background import keep_running
from chatterroom.core.errors import ChatterRoomError
from chatterroom.core.ids import SessionId, UserId
from chatterroom.core.times import now as present
from chatterroom.users.accounts import Account
from chatterroom.users.session_control import SessionControl

__all__ = ["PasswordChanges", "SessionsToEnd"]

log = structlog.get_logger()

# A caller waits no longer than this for sessions to end; the rest end in the background.
WAIT_S = 1.5
_LOOK_EVERY_S = 2.0
_CLAIMED_FOR = timedelta(seconds=10)


@dataclass(frozen=True)
class SessionsToEnd:
    """The sessions of a user that were not begun with the present password, except `but`."""

    user_id: UserId
    password_set_at: datetime
    but: SessionId | None


class Store(Protocol):
    """Where passwords are, and which sessions have yet to end."""

    async def change(
        self,
        account: Account,
        new_hash: str,
        at: datetime,
        but: SessionId | None,
        due_at: datetime,
    ) -> bool:
        """Store a new password and the work that follows; False if another came in between."""

    async def claim(self, now: datetime, until: datetime) -> SessionsToEnd | None:
        """Return work that is due; no other instance gets the same before `until`."""

    async def finish(self, work: SessionsToEnd) -> None:
        """Note that the work is done, unless the password was changed again."""


class PasswordChanges:
    """Changes passwords. What follows is done by any instance, while `run` does."""

    def __init__(self, store: Store, sessions: SessionControl, wait_s: float = WAIT_S) -> None:
        self._store = store
        self._sessions = sessions
        self._wait_s = wait_s

    async def change(
        self, account: Account, new_hash: str, but: SessionId | None, now: datetime
    ) -> bool:
        """Store a new password, then end all sessions except `but`.

        False, and nothing has happened, if another password came in between. When this returns
        the old password is worthless, and so are the sessions begun with it: thousands of them
        may take a few seconds more, and go on after a crash. Raises STORAGE_UNAVAILABLE.
        """
        if not await self._store.change(account, new_hash, now, but, now + _CLAIMED_FOR):
            return False
        work = SessionsToEnd(account.user_id, now, but)
        try:
            await self._carry_out(work, self._wait_s)
        except ChatterRoomError as error:
            # The password is changed, and the sessions follow when storage is back.
            log.warning("sessions_end_later", user_id=account.user_id, reason=error.code.value)
        return True

    async def run(self) -> None:
        """Carry out what is left, until cancelled."""
        await keep_running("password_changes", self._carry_out_all, _LOOK_EVERY_S)

    async def _carry_out_all(self) -> None:
        while work := await self._store.claim(present(), present() + _CLAIMED_FOR):
            await self._carry_out(work, _CLAIMED_FOR.total_seconds() / 2)

    async def _carry_out(self, work: SessionsToEnd, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while await self._sessions.end_of_earlier_passwords(
            work.user_id, work.password_set_at, work.but, present()
        ):
            if time.monotonic() > deadline:
                return
        await self._store.finish(work)
