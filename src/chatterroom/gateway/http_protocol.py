"""One client connection: uvicorn's HTTP protocol, with bounds on what a client may hold, and
WebSocket handshakes handed to the relay.
"""

import re
from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections.abc import Callable
from typing import Any, cast

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.admission import Admission
from chatterroom.gateway.answers import Answer
from chatterroom.gateway.connections import Place
from chatterroom.gateway.errors import problem
from chatterroom.gateway.in_flight import HOLDER, Holder
from chatterroom.gateway.relay import Relay, Upgrade
from chatterroom.gateway.slow_readers import SlowReader

__all__ = ["GatewayProtocol"]

_MAX_HEAD_BYTES = 32 * 1024
# What is parsed at a time: requests right behind each other come to dozens, not thousands.
_PIECE_BYTES = 1024
# A client must not send frames before its handshake is answered (RFC 6455, section 4.1).
_MAX_EARLY_BYTES = 16 * 1024
# What a client may send on after the response that is the last. It is read and thrown away, since
# closing while it comes would make the client lose the response.
_MAX_DISCARDED_BYTES = 16 * 1024 * 1024
# Above it a reader counts as behind.
_HIGH_WATER_BYTES = 16 * 1024
# HTTP/0.9 has neither headers nor a status: what asks for it is a mistake, or mischief.
_VERSIONS = {"1.0", "1.1"}
_CONTINUE = b"HTTP/1.1 100 "
# A name or an IP address, and a port (RFC 3986, section 3.2.2).
_HOST = re.compile(rb"(?:\[[0-9A-Za-z:.%_~-]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")
_NOT_HTTP = "The request is not valid HTTP."


class GatewayProtocol(HttpToolsProtocol):
    """Bounds what one connection may hold, and for how long.

    A request must be complete in time, and its head short. While requests wait for their turn, or
    the client does not take a response, nothing more is read.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        relay: Relay,
        admission: Admission,
        health_paths: frozenset[str],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._relay = relay
        self._admission = admission
        self._health_paths = health_paths
        self._place: Place | None = None
        self._request_timer: TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True
        self._broken_rule = _NOT_HTTP
        # What has been read and must wait, and who holds it.
        self._unparsed = b""
        self._holder: Holder | None = None
        self._behind: SlowReader | None = None
        self._end_timer: TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._to_discard: int | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a place, or hang up. Start the clock: who connects has something to say."""
        super().connection_made(transport)
        self._place = self._admission.connections.enter(self._peer, self._make_room)
        if self._place is None:
            transport.abort()
            return
        transport.set_write_buffer_limits(_HIGH_WATER_BYTES)
        self._start_request_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what was held."""
        self._stop_request_timer()
        self._take_unparsed()
        self._caught_up()
        if self._place is not None:
            self._admission.connections.leave(self._place)
        super().connection_lost(exc)
        self._break_cycles()

    def data_received(self, data: bytes) -> None:
        """Parse as much as may be under way; hand over to the relay what asks for a WebSocket."""
        if self._to_discard is not None:
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        self._parse(self._take_unparsed() + data if self._unparsed else data)

    def on_message_begin(self) -> None:
        """Start the clock for one request."""
        super().on_message_begin()
        self._in_head = True
        self._start_request_timer()

    def on_headers_complete(self) -> None:
        """Let the application begin, unless this is a request that we do not read."""
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            raise _RefusedError
        if version == "1.1" and not self._has_one_host():
            self._broken_rule = (
                "A request must have exactly one Host header: a host name or address, and a port."
            )
            raise _RefusedError
        if self._head_bytes > _MAX_HEAD_BYTES and self._head_size() > _MAX_HEAD_BYTES:
            raise _RefusedError
        self._in_head = False
        self._head_bytes = 0
        if self._place is not None:
            self._admission.connections.works(self._place)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the rest is ours."""
        self._stop_request_timer()
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what has come meanwhile, or wait for the next request."""
        if self._to_discard is not None:
            if not self.transport.is_closing():
                self.flow.resume_reading()
            return
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_end()
            return
        if self.pipeline or self._unparsed or self.flow.write_paused:
            self._go_on()
        elif self._place is not None:
            self._admission.connections.waits(self._place)

    def pause_writing(self) -> None:
        """Watch over a reader that is behind, and read nothing more from it meanwhile."""
        super().pause_writing()
        self.flow.pause_reading()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Go on: the reader has caught up."""
        super().resume_writing()
        self._caught_up()
        if not self.transport.is_closing():
            self._go_on()

    def eof_received(self) -> None:
        """Let the loop close the connection when the client, which has said all, has the rest."""
        self._expect_end()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used, also where its last response is not taken."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _parse(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE_BYTES):
            if self.transport.is_closing() or self._to_discard is not None:
                return
            if self._must_wait():
                self._keep(data[start:])
                return
            piece = data[start : start + _PIECE_BYTES]
            if self._in_head:
                self._head_bytes += len(piece)
                self._start_request_timer()
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                self._upgrade(data[start + upgrade.args[0] :])
                return
            except httptools.HttpParserError:
                self._refuse(self._broken_rule)
                return
            if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse("The request line and headers are too long.")
                return

    def _must_wait(self) -> bool:
        """Say whether a request waits for the one before it, or the reader is behind."""
        return bool(self.pipeline) or self.flow.write_paused

    def _keep(self, data: bytes) -> None:
        self.flow.pause_reading()
        self._stop_request_timer()
        self._unparsed = data
        self._holder = self._peer_as_holder()
        if not self._admission.limits.in_flight.add(self._holder, len(data)):
            self.transport.abort()

    def _take_unparsed(self) -> bytes:
        data, self._unparsed = self._unparsed, b""
        if self._holder is not None:
            self._admission.limits.in_flight.give_back(self._holder, len(data))
            self._holder = None
        return data

    def _go_on(self) -> None:
        if not self._must_wait() and self._unparsed:
            if not self._in_head:
                self._start_request_timer()
            self._parse(self._take_unparsed())
        if self._must_wait():
            self.flow.pause_reading()
        elif not self._unparsed:
            self.flow.resume_reading()

    def _watch_reader(self) -> None:
        if self._behind is None and self.transport.get_write_buffer_size():
            scope: Any = self._answering.scope if self._answering is not None else {}
            self._behind = self._admission.slow_readers.watch(
                self.transport, scope.get(HOLDER) or self._peer_as_holder()
            )

    def _peer_as_holder(self) -> Holder:
        return Holder(self._place.counted if self._place is not None else "")

    def _expect_end(self) -> None:
        """Begin to watch a reader that has not taken the last of it after a while."""
        if self._end_timer is None:
            self._end_timer = self.loop.call_later(
                self._admission.slow_readers.patience_s, self._watch_reader
            )

    def _caught_up(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
        if self._behind is not None:
            self._behind.caught_up()
            self._behind = None

    def _make_room(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _close(self) -> None:
        """Close behind the last response, when the client has stopped sending."""
        if self._answering is None or not self._answering.more_body:
            self.transport.close()
            return
        self._to_discard = _MAX_DISCARDED_BYTES
        self._start_request_timer()
        self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        assert self._to_discard is not None  # noqa: S101 -- asked before
        self._to_discard -= len(data)
        if self._to_discard < 0:
            self.transport.abort()

    def _has_one_host(self) -> bool:
        hosts = [value for name, value in self.headers if name == b"host"]
        return len(hosts) == 1 and bool(_HOST.fullmatch(hosts[0].strip()))

    def _head_size(self) -> int:
        """Return the size of a head that may have come in one piece with more behind it."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        has_body = cycle.scope["method"] != "HEAD"
        cycle.transport = cast("Transport", _Response(self.transport, self._close, has_body))
        if self._place is not None and self._place.refusal is not None:
            cycle.keep_alive = False
            if cycle.scope["path"] not in self._health_paths:
                app = _Refusing(problem(self._place.refusal))
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
            self._refuse("A WebSocket handshake must wait for the responses to earlier requests.")
            return
        if len(early) > _MAX_EARLY_BYTES:
            self._refuse("Frames must wait for the response to the WebSocket handshake.")
            return
        place = self._place
        assert place is not None  # noqa: S101 -- else the connection would be closed
        if place.refusal is not None:
            self._say_last(problem(place.refusal))
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
            peer=self._peer,
        )
        if self._relay.take_over(self.transport, request, early, place):
            self._break_cycles()
        else:
            self._expect_end()

    def _break_cycles(self) -> None:
        """Let go of all that refers to us, so that our memory is free without a collection.

        An idle process makes no garbage that would start one: what thousands of connections have
        left would stay.
        """
        self._place = None
        self._answering = None
        self.cycle = None  # type: ignore[assignment]
        self.parser = None  # type: ignore[assignment]

    def _refuse(self, reason: str) -> None:
        self._say_last(problem(ChatterRoomError(ErrorCode.INVALID_REQUEST, reason)))

    def _say_last(self, answer: Answer) -> None:
        self.transport.write(answer.as_last_words())
        self.transport.close()
        self._expect_end()

    def _start_request_timer(self) -> None:
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(
                self._admission.request_timeout_s, self._too_slow
            )

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


class _Refusing:
    """An application that answers everything alike."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer.send(send)


class _RefusedError(Exception):
    """Tells the parser to stop."""


class _Response:
    """Where one response is written to: its head leaves together with its body.

    uvicorn writes the two apart, uvloop makes a system call of each write, and those are the
    larger part of what a response costs.
    """

    def __init__(self, transport: Transport, close: Callable[[], None], has_body: bool) -> None:
        self._transport = transport
        self._has_body = has_body
        self._head: bytes | None = None
        self.close = close
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            # It was cut off while the response was made.
            return
        if self._head is not None:
            self._transport.write(self._head + data)
            self._head = b""
        elif data.startswith(_CONTINUE) or not self._has_body:
            self._transport.write(data)
        else:
            self._head = data
