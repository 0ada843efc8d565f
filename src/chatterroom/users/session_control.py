"""The sessions of a user: which there are, and how they are ended for all services."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.core.times import format_time
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alerts import EndReason, SessionEnded
from chatterroom.users.session_ends import SessionEnds
from chatterroom.users.session_store_mongo import SessionStore
from chatterroom.users.sessions import RefreshToken, Session

__all__ = ["SessionControl"]

log = structlog.get_logger()

# How many sessions are ended by one write.
BATCH = 1_000
# Of many sessions that are ended together, the newest have an alert.
MAX_ALERTED = 20


class SessionControl:
    """Ends sessions: within a second their tokens are refused and their sockets closed.

    Every method may raise STORAGE_UNAVAILABLE; then it may have happened, and may be repeated.
    """

    def __init__(
        self, store: SessionStore, ends: SessionEnds, alerts: AlertBook, max_per_user: int
    ) -> None:
        self._store = store
        self._ends = ends
        self._alerts = alerts
        self._max_per_user = max_per_user

    async def of_user(
        self, user_id: UserId, now: datetime, limit: int, before: SessionId | None = None
    ) -> list[Session]:
        """Return the newest sessions of a user, newest first."""
        return await self._store.of_user(user_id, now, limit, before)

    async def begin(self, session: Session, token: RefreshToken) -> None:
        """Store a new session, to be continued with `token`.

        Beyond the limit of sessions per user, those that were seen least recently end, without an
        alert. A limit of 0 is none.
        """
        await self._store.add(session, token)
        if self._max_per_user:
            beyond = await self._store.beyond(session, self._max_per_user, BATCH)
            await self._end(beyond, session.created_at)
        await self._alerts.begin(session.user_id, session.session_id)

    async def rotate(
        self, token: RefreshToken, now: datetime, expires_at: datetime, grace: timedelta
    ) -> tuple[UserId, RefreshToken] | None:
        """Exchange a token; return the user and the newest token. None where it is not valid.

        Valid is the newest token, and each that was exchanged within `grace`.
        """
        return await self._store.rotate(token, now, expires_at, grace)

    async def touch(self, session_ids: Sequence[SessionId], now: datetime) -> None:
        """Note that sessions have been used."""
        await self._store.touch(session_ids, now)

    async def end(
        self,
        session_id: SessionId,
        user_id: UserId | None,
        now: datetime,
        *,
        by: SessionId | None = None,
    ) -> bool:
        """End a session, of this user if one is given; False where there is none such.

        Other devices are told, unless the session ends itself (`by`).
        """
        session = await self._store.find(session_id, user_id)
        if session is None:
            return False
        await self._end([session], now)
        if by != session_id:
            self._tell(session, "ended_by_user", by, now)
        return True

    async def end_others(self, user_id: UserId, but: SessionId | None, now: datetime) -> int:
        """End all sessions of a user, with the exception of `but`; return how many."""
        ended = 0
        while others := await self._store.others(user_id, but, BATCH):
            await self._end(others, now)
            for session in others[: max(0, MAX_ALERTED - ended)]:
                self._tell(session, "ended_by_user", but, now)
            ended += len(others)
        return ended

    async def end_of_earlier_passwords(
        self, user_id: UserId, password_set_at: datetime, but: SessionId | None, now: datetime
    ) -> bool:
        """End a batch of the sessions begun with another password; False where none is left.

        Without alerts: the change of the password has one.
        """
        found = await self._store.of_earlier_passwords(user_id, password_set_at, but, BATCH)
        await self._end(found, now)
        return bool(found)

    async def end_stolen(self, token: RefreshToken, now: datetime) -> None:
        """End the session of a token that has been used before, if there still is one."""
        session = await self._store.of_family(token)
        if session is not None:
            log.warning(
                "refresh_token_reused", user_id=session.user_id, session_id=session.session_id
            )
            await self._end([session], now)
            self._tell(session, "refresh_token_reused", None, now)

    async def _end(self, sessions: Sequence[Session], now: datetime) -> None:
        if not sessions:
            return
        self._ends.tell(await self._store.end(sessions, now))
        first = sessions[0]
        if len(sessions) == 1:
            log.info("session_ended", user_id=first.user_id, session_id=first.session_id)
        else:
            log.info("sessions_ended", user_id=first.user_id, sessions=len(sessions))

    def _tell(
        self, session: Session, reason: EndReason, by: SessionId | None, now: datetime
    ) -> None:
        alert = SessionEnded(
            new_id(),
            session.origin.device,
            session.origin.address,
            format_time(now),
            session.session_id,
            reason,
            by,
        )
        self._alerts.tell(session.user_id, alert)
