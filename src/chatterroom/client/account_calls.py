"""Calls about one's account, one's sessions, and other users."""

from collections.abc import Iterable
from typing import Any

from chatterroom.client import answers
from chatterroom.client.answers import Account, LoginSession, Profile, SecondFactor, Tokens, User
from chatterroom.client.calls import Calls
from chatterroom.client.paths import segment

__all__ = ["AccountCalls"]

_ME = "/user-service/me"


class AccountCalls(Calls):
    """Who one is, where one is logged in, and who else there is."""

    async def register(self, username: str, email: str, password: str) -> str:
        """Create an account and return its user id. Log in afterwards."""
        body = answers.Register(username, email, password)
        path = "/user-service/register"
        return (await self._http.call("POST", path, answers.Registered, body=body)).user_id

    async def login(
        self,
        email: str,
        password: str,
        *,
        code: str | None = None,
        device: str | None = None,
        keep_password: bool = False,
    ) -> Tokens:
        """Log in. `device` names this device to the user's other devices.

        An account with two-factor authentication needs a `code` from the authenticator app, or a
        recovery code; without one the login is refused with `second_factor_required`.

        With `keep_password` the client logs in again after its session was ended elsewhere.
        Otherwise, and if a code is needed, calls then raise `ApiError` with status 401.
        """
        return await self._credentials.log_in(
            email, password, device, code=code, keep_password=keep_password
        )

    async def logout(self) -> None:
        """End the session on the server: its tokens stop working and its sockets are closed."""
        await self._call("POST", "/user-service/logout", answers.Done)
        self._credentials.forget()

    async def sessions(self) -> list[LoginSession]:
        """Return where one is logged in, newest first."""
        found: list[LoginSession] = []
        path, params = "/user-service/sessions", {"limit": "200"}
        page = await self._call("GET", path, answers.LoginSessions, params=params)
        while page.has_more and page.sessions:
            found += page.sessions
            params["before"] = page.sessions[-1].session_id
            page = await self._call("GET", path, answers.LoginSessions, params=params)
        return found + page.sessions

    async def end_session(self, session_id: str) -> None:
        """Log another of one's sessions out; its sockets are closed within a second."""
        await self._call("DELETE", f"/user-service/sessions/{segment(session_id)}", answers.Done)

    async def end_other_sessions(self) -> int:
        """Log all of one's other sessions out; return how many there were."""
        path = "/user-service/sessions"
        return (await self._call("DELETE", path, answers.SessionsEnded)).ended

    async def account(self) -> Account:
        """Return one's own account."""
        return await self._call("GET", _ME, Account)

    async def update_account(
        self,
        *,
        username: str | None = None,
        display_name: str | None = None,
        avatar: str | None = None,
        preferences: dict[str, Any] | None = None,
        code: str | None = None,
    ) -> Account:
        """Change what is given. `avatar` is a data: URL; "" takes it, or the name, away.

        With two-factor authentication, another username needs a `code`.
        """
        body = answers.UpdateAccount(username, display_name, avatar, preferences, code)
        return await self._call("PATCH", _ME, Account, body=body)

    async def change_password(
        self, current_password: str, new_password: str, *, code: str | None = None
    ) -> None:
        """Change the password; all other sessions of the user end.

        With two-factor authentication it needs a `code`.
        A password that was kept by `login` is not replaced: log in again to keep the new one.
        """
        body = answers.ChangePassword(current_password, new_password, code)
        await self._call("POST", f"{_ME}/password", answers.Done, body=body)

    async def delete_account(self, password: str, *, code: str | None = None) -> None:
        """Delete the account for good. Messages stay, as those of a deleted user.

        With two-factor authentication it needs a `code`.
        """
        body = answers.Confirmation(password, code)
        await self._call("POST", f"{_ME}/deletion", answers.Done, body=body)
        self._credentials.forget()

    async def begin_second_factor(self, password: str) -> SecondFactor:
        """Get a secret for an authenticator app; confirm it with a code within 15 minutes."""
        body = answers.Confirmation(password)
        return await self._call("POST", f"{_ME}/second-factor", SecondFactor, body=body)

    async def confirm_second_factor(self, code: str) -> list[str]:
        """Turn two-factor authentication on and return the recovery codes, shown only once."""
        body = answers.Confirmation(code=code)
        path = f"{_ME}/second-factor/confirm"
        return (await self._call("POST", path, answers.RecoveryCodes, body=body)).recovery_codes

    async def remove_second_factor(self, password: str, code: str) -> None:
        """Turn two-factor authentication off."""
        body = answers.Confirmation(password, code)
        await self._call("POST", f"{_ME}/second-factor/removal", answers.Done, body=body)

    async def profile(self, user_id: str | None = None) -> Profile:
        """Return a user's profile, one's own by default."""
        return await self._call(
            "GET", f"/user-service/users/{segment(user_id or self.user_id)}", Profile
        )

    async def search_users(self, query: str, *, limit: int | None = None) -> list[User]:
        """Find users by the beginning of their name."""
        params = {"query": query, "limit": limit}
        return (await self._call("GET", "/user-service/users", answers.Users, params=params)).users

    async def users(self, user_ids: Iterable[str]) -> list[User]:
        """Return those of the users that exist."""
        params = {"ids": ",".join(user_ids)}
        return (await self._call("GET", "/user-service/users", answers.Users, params=params)).users
