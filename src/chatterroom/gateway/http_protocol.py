"""One client connection: uvicorn's HTTP protocol, with bounds on what a client may hold, and
WebSocket handshakes handed to the relay.
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.errors import problem
from chatterroom.gateway.relay import Relay, Upgrade

__all__ = ["GatewayProtocol"]

_MAX_HEAD_BYTES = 32 * 1024
# HTTP/0.9 has neither headers nor a status: what asks for it is a mistake, or mischief.
_VERSIONS = {"1.0", "1.1"}
_CONTINUE = b"HTTP/1.1 100 "


class GatewayProtocol(HttpToolsProtocol):
    """Closes a connection whose request is not complete in time, and refuses endless heads."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        relay: Relay,
        request_timeout_s: float,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._relay = relay
        self._request_timeout_s = request_timeout_s
        self._request_timer: TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the clock: who connects has something to say."""
        super().connection_made(transport)
        self._start_request_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_request_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; hand over to the relay what asks for a WebSocket, with what came right after."""
        self._unset_keepalive_if_required()
        if self._in_head:
            self._head_bytes += len(data)
            self._start_request_timer()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse("this is not HTTP as it should be")
            return
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse("the request's head is too long")

    def on_message_begin(self) -> None:
        """Start the clock for one request."""
        super().on_message_begin()
        self._in_head = True
        self._start_request_timer()

    def on_headers_complete(self) -> None:
        """Let the application begin, unless this is a request that we do not read."""
        if self.parser.get_http_version() not in _VERSIONS:
            raise _RefusedError
        if self._head_bytes > _MAX_HEAD_BYTES and self._head_size() > _MAX_HEAD_BYTES:
            raise _RefusedError
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the rest is ours."""
        self._stop_request_timer()
        self._in_head = True
        super().on_message_complete()

    def _head_size(self) -> int:
        """Return the size of a head that may have come in one piece with more behind it."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["method"] != "HEAD":
            cycle.transport = cast("Transport", _HeadWithBody(cycle.transport))
        super()._start_asgi_task(cycle, app)

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def _upgrade(self, early: bytes) -> None:
        if not self._should_upgrade():
            # Asked to become something else, we stay HTTP for this one answer.
            if self.cycle is not None:
                self.cycle.keep_alive = False
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse("a WebSocket handshake must wait for the answers before it")
            return
        self._stop_request_timer()
        self.connections.discard(self)
        request = Upgrade(
            method=self.scope["method"],
            target=self.url.decode("latin-1"),
            http_version=self.scope["http_version"],
            headers=[
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers
            ],
            peer=self.client[0] if self.client else "",
        )
        self._relay.take_over(self.transport, request, early)

    def _refuse(self, reason: str) -> None:
        error = ChatterRoomError(ErrorCode.INVALID_REQUEST, reason)
        self.transport.write(problem(error).as_last_words())
        self.transport.close()

    def _start_request_timer(self) -> None:
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(self._request_timeout_s, self._too_slow)

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


class _RefusedError(Exception):
    """Tells the parser to stop."""


class _HeadWithBody:
    """Where one answer is written to: its head leaves together with its body.

    uvicorn writes the two apart, uvloop makes a system call of each write, and those are the
    larger part of what an answer costs.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self.close = transport.close
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head is not None:
            self._transport.write(self._head + data)
            self._head = b""
        elif data.startswith(_CONTINUE):
            self._transport.write(data)
        else:
            self._head = data
