"""One user's access to a server: calls, and the stream of what happens."""

import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from chatterroom.client.account_calls import AccountCalls
from chatterroom.client.answers import Tokens
from chatterroom.client.conversation_calls import ConversationCalls
from chatterroom.client.credentials import Credentials
from chatterroom.client.http_httpx import Http
from chatterroom.client.message_calls import MessageCalls
from chatterroom.client.request_calls import RequestCalls
from chatterroom.client.room_calls import RoomCalls
from chatterroom.client.session import Session, SessionState

__all__ = ["Client"]


class Client(AccountCalls, RoomCalls, MessageCalls, ConversationCalls, RequestCalls):
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
        http = Http(self._url, timeout_s=timeout_s, max_connections=max_connections, tls=tls)
        super().__init__(http, Credentials(http, tokens))

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
