"""One WebSocket connection to the server. What is said on it is the session's business."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from chatterroom.client.errors import ApiError, ConnectionLostError
from chatterroom.client.problems import problem

__all__ = ["ClosedError", "Connection", "open_connection"]

_PROTOCOL = "chatterroom.v1"
_OPEN_S = 10.0
_CLOSE_S = 1.0
_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# Frames that wait to be read before the transport is paused.
_MAX_FRAMES = 64
_ABNORMAL = 1006


class ClosedError(Exception):
    """The connection has ended, with this close code; 1006 where there was none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Connection:
    """An open connection. Its methods raise `ClosedError` once it has ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        """Return the next message."""
        try:
            return await self._socket.recv(decode=False)
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None

    async def send(self, text: bytes) -> None:
        """Send a message; wait while the peer takes nothing."""
        try:
            await self._socket.send(text, text=True)
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None

    async def ping(self) -> None:
        """Return when the peer has answered a ping. Somebody must be receiving meanwhile."""
        try:
            await (await self._socket.ping())
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None


@asynccontextmanager
async def open_connection(
    url: str, token: str, tls: ssl.SSLContext | None
) -> AsyncIterator[Connection]:
    """Connect, and close when the block ends.

    Raises `ApiError` where the handshake is refused and `ConnectionLostError` where there is
    nobody to refuse it.
    """
    try:
        socket = await websockets.connect(
            url,
            ssl=tls,
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=[Subprotocol(_PROTOCOL)],
            compression=None,
            proxy=None,
            open_timeout=_OPEN_S,
            close_timeout=_CLOSE_S,
            # The session pings: it alone knows when it does not read on purpose.
            ping_interval=None,
            max_size=_MAX_MESSAGE_BYTES,
            max_queue=_MAX_FRAMES,
        )
    except websockets.InvalidStatus as refused:
        response = refused.response
        raise problem(
            response.status_code, bytes(response.body or b""), response.headers.get("retry-after")
        ) from None
    except (OSError, websockets.WebSocketException) as error:
        raise ConnectionLostError(f"cannot connect: {error or type(error).__name__}") from error
    try:
        if socket.subprotocol != _PROTOCOL:
            raise ApiError("unreadable_answer", f"the server does not speak {_PROTOCOL}")
        yield Connection(socket)
    finally:
        await socket.close()


def _closed(closed: websockets.ConnectionClosed) -> ClosedError:
    if closed.rcvd is None:
        return ClosedError(_ABNORMAL, "The connection was lost.")
    return ClosedError(closed.rcvd.code, closed.rcvd.reason)
