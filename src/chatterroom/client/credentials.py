"""The tokens of one user, renewed in time, one renewal at a time.

For seconds after its exchange a refresh token leads to the newest one, so clients may share a
stored pair; later it ends the session. So a renewal belongs to no caller: it runs to its end, and
its tokens are kept, also where all who waited for it have given up.
"""

import asyncio
from collections.abc import Awaitable, Callable

from chatterroom.client.answers import Login, Refresh, Tokens
from chatterroom.client.errors import ApiError, NotLoggedInError
from chatterroom.client.http_httpx import Http

__all__ = ["Credentials"]

_UNAUTHORIZED = 401
# The last part of a token's life, in which it is renewed while it still works.
_RENEWAL_PART = 0.2
_MAX_RENEWAL_S = 60.0


class Credentials:
    """Who the client is. Nobody, until tokens are given or `log_in` has been called."""

    def __init__(self, http: Http, tokens: Tokens | None) -> None:
        self._http = http
        self._tokens = tokens
        # When given tokens were issued is not known: they are used until they are refused.
        self._expires_at: float | None = None
        self._log_in_again: Callable[[], Awaitable[Tokens]] | None = None
        self._renewal: asyncio.Task[None] | None = None

    @property
    def tokens(self) -> Tokens | None:
        """The newest tokens."""
        return self._tokens

    @property
    def user_id(self) -> str:
        """The user; raises `NotLoggedInError`."""
        return self._known().user_id

    async def log_in(
        self,
        email: str,
        password: str,
        device: str | None,
        *,
        code: str | None = None,
        keep_password: bool,
    ) -> Tokens:
        """Get tokens for a new session."""

        async def log_in(code: str | None = None) -> Tokens:
            return await self._http.call(
                "POST",
                "/user-service/login",
                Tokens,
                body=Login(email, password, code),
                user_agent=device,
            )

        tokens = await log_in(code)
        self._take(tokens)
        self._log_in_again = log_in if keep_password else None
        return tokens

    def forget(self) -> None:
        """Be nobody again."""
        self._tokens = self._expires_at = self._log_in_again = None

    async def fresh(self) -> str:
        """Return an access token that should be accepted; renew it in good time.

        Raises `NotLoggedInError`, and what `renewed` raises where the token has expired.
        """
        tokens = self._known()
        if self._expires_at is not None:
            left = self._expires_at - asyncio.get_running_loop().time()
            if left <= 0:
                return await self.renewed(tokens.token)
            if left < min(_MAX_RENEWAL_S, tokens.expires_in * _RENEWAL_PART):
                self._renew()
        return tokens.token

    async def renewed(self, refused: str) -> str:
        """Return another access token than the one that was refused.

        Raises `ApiError` with status 401 where the session is over, and `ClientError`s that may
        pass.
        """
        if self._known().token == refused:
            await asyncio.shield(self._renew())
        return self._known().token

    async def close(self) -> None:
        """Let a renewal come to its end."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal])

    def _known(self) -> Tokens:
        if self._tokens is None:
            raise NotLoggedInError("Log in first.")
        return self._tokens

    def _take(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._expires_at = asyncio.get_running_loop().time() + tokens.expires_in

    def _renew(self) -> asyncio.Task[None]:
        if self._renewal is None:
            self._renewal = asyncio.get_running_loop().create_task(self._trade(self._known()))
            self._renewal.add_done_callback(self._renewal_ended)
        return self._renewal

    def _renewal_ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # nobody may be waiting; the next call tries again

    async def _trade(self, old: Tokens) -> None:
        try:
            tokens = await self._http.call(
                "POST", "/user-service/refresh", Tokens, body=Refresh(old.refresh_token)
            )
        except ApiError as error:
            if error.status != _UNAUTHORIZED or self._log_in_again is None:
                raise
            tokens = await self._log_in_again()
        if self._tokens is old:  # nobody has logged in or out meanwhile
            self._take(tokens)
