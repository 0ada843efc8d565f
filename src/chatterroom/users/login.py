"""How a session begins and goes on, and which alerts that causes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from chatterroom.auth.tokens import TokenSigner
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.core.times import format_time
from chatterroom.users.accounts import Account
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alerts import LoggedIn, LoginFailed
from chatterroom.users.authentication import Authentication
from chatterroom.users.session_control import SessionControl
from chatterroom.users.sessions import Origin, RefreshToken, Session
from chatterroom.users.store_mongo import UserStore

__all__ = ["GRACE", "Logins", "Tokens"]

log = structlog.get_logger()

GRACE = timedelta(seconds=20)


@dataclass(frozen=True)
class Tokens:
    """What a client needs to act as a user."""

    user_id: UserId
    session_id: SessionId
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int


class Logins:
    """Logs in and refreshes. Every method may raise STORAGE_UNAVAILABLE."""

    def __init__(
        self,
        store: UserStore,
        sessions: SessionControl,
        authentication: Authentication,
        signer: TokenSigner,
        alerts: AlertBook,
        *,
        refresh_token_lifetime_s: int,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._authentication = authentication
        self._signer = signer
        self._alerts = alerts
        self._lifetime = timedelta(seconds=refresh_token_lifetime_s)

    async def log_in(
        self, email: str, password: str, code: str, origin: Origin, now: datetime
    ) -> Tokens:
        """Begin a session and tell the user's other devices.

        Raises what an `Authentication` refuses, RATE_LIMITED and OVERLOADED.
        """
        attempt = await self._authentication.attempt(email, password, code, origin.address, now)
        account = attempt.account
        if account and not attempt.refusal:
            return await self._begin(account, origin, now)
        if account:
            failed = LoginFailed(new_id(), origin.device, origin.address, format_time(now))
            self._alerts.tell(account.user_id, failed)
        log.info("login_failed", user_id=account.user_id if account else None)
        raise attempt.refusal or _wrong_credentials()

    async def refresh(self, refresh_token: str, now: datetime) -> Tokens:
        """Exchange a refresh token for new tokens of its session, or raise TOKEN_INVALID.

        For `GRACE` after its exchange a token leads to the newest one, however often it comes:
        several tabs may hold it, and responses get lost. Later it ends its session: it, or its
        successor, was stolen.
        """
        old = RefreshToken.parse(refresh_token)
        rotated = await self._sessions.rotate(old, now, now + self._lifetime, GRACE)
        if rotated is None:
            await self._sessions.end_stolen(old, now)
            raise ChatterRoomError(
                ErrorCode.TOKEN_INVALID, "The refresh token is not valid. Log in again."
            )
        user_id, newest = rotated
        return self._tokens(user_id, newest, now)

    async def _begin(self, account: Account, origin: Origin, now: datetime) -> Tokens:
        session_id = SessionId(new_id())
        session = Session(
            session_id,
            account.user_id,
            origin,
            now,
            now + self._lifetime,
            now,
            account.password_changed_at,
        )
        token = RefreshToken.first(session_id)
        await self._sessions.begin(session, token)
        # Whoever changes the password or deletes the account ends the sessions they find.
        present = await self._store.account(account.user_id)
        if present is None or present.password_changed_at != account.password_changed_at:
            await self._sessions.end(session_id, account.user_id, now, by=session_id)
            raise _wrong_credentials()
        log.info("user_logged_in", user_id=account.user_id, session_id=session_id)
        alert = LoggedIn(new_id(), origin.device, origin.address, format_time(now), session_id)
        self._alerts.tell(account.user_id, alert)
        return self._tokens(account.user_id, token, now)

    def _tokens(self, user_id: UserId, refresh: RefreshToken, now: datetime) -> Tokens:
        access = self._signer.sign(user_id, refresh.session_id, now)
        return Tokens(user_id, refresh.session_id, access, refresh.text(), self._signer.lifetime_s)


def _wrong_credentials() -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.WRONG_CREDENTIALS, "The email or password is wrong.")
