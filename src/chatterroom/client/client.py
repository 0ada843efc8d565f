"""One user's access to a server: accounts, and everything that is a call rather than a stream."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from chatterroom.client import answers
from chatterroom.client.answers import (
    Account,
    Conversation,
    LoginSession,
    MembershipChange,
    Page,
    Profile,
    ReadMark,
    Room,
    RoomReceipt,
    SecondFactor,
    Tokens,
    User,
)
from chatterroom.client.credentials import Credentials
from chatterroom.client.errors import ApiError
from chatterroom.client.events import Ack, Message
from chatterroom.client.http_httpx import Http, Parameter
from chatterroom.client.session import Session, SessionState
from chatterroom.core.ids import new_id

__all__ = ["Client"]

T = TypeVar("T")

_ME = "/user-service/me"
_REFUSED_TOKENS = frozenset({"token_invalid", "token_expired"})
_LARGEST_PAGE = 200


class Client:
    """A user of the server at `url`, as an async context manager.

    Every call answers within `timeout_s`, plus as much for renewing the tokens. Any may raise
    `ApiError`, where the server refuses, and `ConnectionLostError`, where no answer came. Calls
    are not repeated by themselves, except after a renewal of the tokens; those that take a
    `client_id` may be repeated with the same one and take effect once. Calls may run concurrently.

    `tokens` continue an earlier login: keep those that the property of the same name has at the
    end. `tls` is for a server whose certificate the system does not know.
    """

    def __init__(
        self,
        url: str,
        *,
        tokens: Tokens | None = None,
        timeout_s: float = 10.0,
        max_connections: int = 100,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._tls = tls
        self._http = Http(self._url, timeout_s=timeout_s, max_connections=max_connections, tls=tls)
        self._credentials = Credentials(self._http, tokens)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Sessions must have ended before."""
        await self._credentials.close()
        await self._http.close()

    # Who one is

    @property
    def user_id(self) -> str:
        """The user who is logged in; raises `NotLoggedInError`."""
        return self._credentials.user_id

    @property
    def tokens(self) -> Tokens | None:
        """The newest tokens: they change with every renewal, and the ones before stop working."""
        return self._credentials.tokens

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
        """Log in, under a name for the device that the user's other devices are told.

        An account with a second factor is refused with `second_factor_required` unless there is a
        `code`: of the authenticator app, or a recovery code.

        With `keep_password` the client logs in again where a session has been ended from outside;
        without, and where a code is needed, calls then raise `ApiError` with status 401.
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
        return (await self._call("GET", "/user-service/sessions", answers.LoginSessions)).sessions

    async def end_session(self, session_id: str) -> None:
        """Log another of one's sessions out; its sockets are closed within a second."""
        await self._call("DELETE", f"/user-service/sessions/{session_id}", answers.Done)

    async def end_other_sessions(self) -> int:
        """Log all of one's other sessions out; return how many there were."""
        path = "/user-service/sessions"
        return (await self._call("DELETE", path, answers.SessionsEnded)).ended

    # One's own account

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
    ) -> Account:
        """Change what is given. `avatar` is a data: URL; "" takes it, or the name, away."""
        body = answers.UpdateAccount(username, display_name, avatar, preferences)
        return await self._call("PATCH", _ME, Account, body=body)

    async def change_password(self, current_password: str, new_password: str) -> None:
        """Change the password; all other sessions of the user end.

        A password that was kept by `login` is not replaced: log in again to keep the new one.
        """
        body = answers.ChangePassword(current_password, new_password)
        await self._call("POST", f"{_ME}/password", answers.Done, body=body)

    async def delete_account(self, password: str, *, code: str | None = None) -> None:
        """Delete the account for good. Messages stay, as those of a deleted user."""
        body = answers.Confirmation(password, code)
        await self._call("POST", f"{_ME}/deletion", answers.Done, body=body)
        self._credentials.forget()

    async def begin_second_factor(self, password: str) -> SecondFactor:
        """Get a secret for an authenticator app; confirm it with a code within 15 minutes."""
        body = answers.Confirmation(password)
        return await self._call("POST", f"{_ME}/second-factor", SecondFactor, body=body)

    async def confirm_second_factor(self, code: str) -> list[str]:
        """Turn the second factor on and return the recovery codes, which are shown this once."""
        body = answers.Confirmation(code=code)
        path = f"{_ME}/second-factor/confirm"
        return (await self._call("POST", path, answers.RecoveryCodes, body=body)).recovery_codes

    async def remove_second_factor(self, password: str, code: str) -> None:
        """Turn the second factor off."""
        body = answers.Confirmation(password, code)
        await self._call("POST", f"{_ME}/second-factor/removal", answers.Done, body=body)

    # Users

    async def profile(self, user_id: str | None = None) -> Profile:
        """Return a user's profile, one's own by default."""
        return await self._call("GET", f"/user-service/users/{user_id or self.user_id}", Profile)

    async def search_users(self, query: str, *, limit: int | None = None) -> list[User]:
        """Find users by the beginning of their name."""
        params = {"query": query, "limit": limit}
        return (await self._call("GET", "/user-service/users", answers.Users, params=params)).users

    async def users(self, user_ids: Iterable[str]) -> list[User]:
        """Return those of the users that exist."""
        params = {"ids": ",".join(user_ids)}
        return (await self._call("GET", "/user-service/users", answers.Users, params=params)).users

    # Rooms

    async def create_room(
        self, name: str, members: Iterable[str] = (), *, client_id: str | None = None
    ) -> RoomReceipt:
        """Create a room of oneself and other users. A repeated `client_id` creates one room."""
        body = answers.CreateRoom(name, self.user_id, list(members), client_id or new_id())
        return await self._call("POST", "/chat-service/rooms/create", RoomReceipt, body=body)

    async def add_member(
        self, room_id: str, user_id: str, *, client_id: str | None = None
    ) -> MembershipChange:
        """Add a user to a room that one is in."""
        body = answers.ChangeMembership(user_id, client_id or new_id())
        return await self._call(
            "PUT", f"/chat-service/rooms/{room_id}/add", MembershipChange, body=body
        )

    async def leave_room(self, room_id: str, *, client_id: str | None = None) -> MembershipChange:
        """Leave a room."""
        body = answers.ChangeMembership(self.user_id, client_id or new_id())
        return await self._call(
            "PUT", f"/chat-service/rooms/{room_id}/leave", MembershipChange, body=body
        )

    async def room(self, room_id: str) -> Room:
        """Return a room's details and members."""
        return await self._call("GET", f"/chat-service/rooms/{room_id}/members", Room)

    # Conversations

    async def send(
        self,
        message: str,
        *,
        room_id: str | None = None,
        receiver_id: str | None = None,
        client_id: str | None = None,
    ) -> Ack:
        """Send a message to a room or a user; it is on disk when this returns.

        After a `ConnectionLostError` it may be, or not: repeat with the same `client_id`. Where
        that is to happen by itself, send through a session.
        """
        client_id = client_id or new_id()
        _require_one(room_id, receiver_id)
        if room_id is not None:
            path = f"/chat-service/rooms/{room_id}/send"
            body: msgspec.Struct = answers.SendToRoom(self.user_id, message, client_id)
        else:
            path = "/chat-service/private/send"
            body = answers.SendPrivate(self.user_id, receiver_id or "", message, client_id)
        return await self._call("POST", path, Ack, body=body)

    async def history(
        self,
        *,
        room_id: str | None = None,
        receiver_id: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> Page:
        """Return a page of a room's messages or of those exchanged with a user, oldest first.

        The newest page by default; with `before`, the newest of those with a smaller `seq`; with
        `after`, the oldest of those with a larger one.
        """
        params = {"before": before, "after": after, "limit": limit}
        _require_one(room_id, receiver_id)
        if room_id is not None:
            return await self._call("GET", f"/chat-service/rooms/{room_id}", Page, params=params)
        return await self._call(
            "POST",
            f"/chat-service/private/{receiver_id}",
            Page,
            body=answers.Reader(self.user_id),
            params=params,
        )

    async def messages(
        self, *, room_id: str | None = None, receiver_id: str | None = None, after: int = 0
    ) -> AsyncIterator[Message]:
        """Go through a whole history, oldest first, each message once, page by page.

        Messages that are stored meanwhile are found, too. After an error go on with the last
        message's `seq` as `after`.
        """
        while True:
            page = await self.history(
                room_id=room_id, receiver_id=receiver_id, after=after, limit=_LARGEST_PAGE
            )
            for message in page.messages:
                yield message
            if not page.has_more:
                return
            after = page.messages[-1].seq

    async def conversations(self) -> AsyncIterator[Conversation]:
        """Go through one's conversations, newest activity first, page by page.

        One in which something happens meanwhile may come twice or, if it moves up, not at all.
        """
        cursor = ""
        while True:
            page = await self._call(
                "GET",
                "/chat-service/conversations",
                answers.ConversationPage,
                params={"cursor": cursor or None, "limit": _LARGEST_PAGE},
            )
            for conversation in page.conversations:
                yield conversation
            cursor = page.next_cursor
            if not cursor:
                return

    async def mark_read(self, conversation_id: str, message_index: int) -> ReadMark:
        """Say how far one has read; the highest mark wins."""
        path = f"/chat-service/conversations/{conversation_id}/read"
        return await self._call("PUT", path, ReadMark, body=answers.MarkRead(message_index))

    # What happens

    def session(
        self,
        *,
        cursors: Mapping[str, int] | None = None,
        on_state: Callable[[SessionState], None] | None = None,
        max_waiting_events: int = 1_000,
        max_unacknowledged: int = 256,
        messages_per_s: float = 45.0,
        message_burst: int = 150,
        ping_after_s: float = 15.0,
        pong_within_s: float = 10.0,
        longest_delay_s: float = 10.0,
    ) -> Session:
        """Return the stream of everything that happens to the user; enter it to connect.

        See `Session`. The defaults of `messages_per_s` and `message_burst` stay below what a
        server allows one socket by default.
        """
        return Session(
            self._url,
            self._credentials,
            cursors=cursors,
            on_state=on_state,
            max_waiting_events=max_waiting_events,
            max_unacknowledged=max_unacknowledged,
            messages_per_s=messages_per_s,
            message_burst=message_burst,
            ping_after_s=ping_after_s,
            pong_within_s=pong_within_s,
            longest_delay_s=longest_delay_s,
            tls=self._tls,
        )

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: msgspec.Struct | None = None,
        params: Mapping[str, Parameter] | None = None,
    ) -> T:
        """Call as the user; renew the tokens and repeat where they are refused."""
        token = await self._credentials.fresh()
        try:
            return await self._http.call(
                method, path, answer, token=token, body=body, params=params
            )
        except ApiError as error:
            # A wrong password is no reason to doubt the token.
            if error.code not in _REFUSED_TOKENS:
                raise
        token = await self._credentials.renewed(token)
        return await self._http.call(method, path, answer, token=token, body=body, params=params)


def _require_one(room_id: str | None, receiver_id: str | None) -> None:
    if (room_id is None) == (receiver_id is None):
        raise ValueError("give either room_id or receiver_id")
