"""Everything the library raises.

ClientError
 ├── ApiError               the server has refused
 ├── ConnectionLostError    no answer: what was asked for may have happened, or not
 │    └── UnacknowledgedError   a command of a session got no answer in time
 ├── SessionClosedError     a session has ended for good
 └── NotLoggedInError
"""

__all__ = [
    "ApiError",
    "ClientError",
    "ConnectionLostError",
    "NotLoggedInError",
    "SessionClosedError",
    "UnacknowledgedError",
]


class ClientError(Exception):
    """The ancestor of all errors of this library."""


class ApiError(ClientError):
    """The server has refused, and nothing was changed.

    Match on `code`, which is stable; `detail` is a sentence for a person and may change. `status`
    is the HTTP status, None for an answer on a socket. `retry_after_s` is set where the server
    says when to try again.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, detail, status, retry_after_s)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class ConnectionLostError(ClientError):
    """The server could not be reached or did not answer; the call may have taken effect."""


class UnacknowledgedError(ConnectionLostError):
    """No answer in time: the command may have taken effect, or may still do so.

    After a send, sending again with the same `client_id` stores the message at most once.
    """

    def __init__(self, command: str, client_id: str | None = None) -> None:
        super().__init__(command, client_id)
        self.command = command
        self.client_id = client_id

    def __str__(self) -> str:
        return f"{self.command} was not answered in time"


class SessionClosedError(ClientError):
    """The session has ended and does not connect again.

    `code` is the WebSocket close code, or the HTTP status where the handshake was refused; 1000
    where the session was closed from this side.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the session has ended ({self.code}): {self.reason}"


class NotLoggedInError(ClientError):
    """There is no user yet: register and log in, or give tokens."""
