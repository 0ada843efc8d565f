"""A WebSocket server on picows: who may connect is asked once, then messages flow both ways."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from math import ceil
from typing import Annotated, Protocol

import msgspec
import structlog
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind
from chatterroom.sockets.deadlines import Deadlines
from chatterroom.sockets.frames import CloseCode, text_frame
from chatterroom.sockets.handshake import Handshake, parse_handshake
from chatterroom.sockets.heartbeat import Due, due, keep_checking

__all__ = ["Session", "Socket", "SocketSettings", "serve_sockets"]

log = structlog.get_logger()

_STATUS = {
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}
_CLOSING_S = 2.0
# In place of a number of silent checks: at the last one the socket was closing.
_CLOSING = -1
# Codes that picows takes for "none was sent", and so lets pass.
_NEVER_SENT = {(0).to_bytes(2), (1006).to_bytes(2)}
# After a storm all clients connect at once; who does not fit waits for a second or more. The
# kernel's own limit is the other bound.
_BACKLOG = 4096
# Wrapped, because picows gives every connection a child of a plain logger.
_PICOWS_LOG = logging.LoggerAdapter(logging.getLogger("picows"), {})


class SocketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one socket."""

    max_frame_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 256 * 1024
    """A longer message from a client closes its socket."""
    max_outbox_bytes: Annotated[int, msgspec.Meta(ge=65536)] = 1024 * 1024
    """What may wait for a slow reader before it is cut off."""
    messages_per_s: Annotated[float, msgspec.Meta(gt=0)] = 50.0
    """Sustained rate at which a socket may send frames: messages, fragments, pings."""
    message_burst: Annotated[int, msgspec.Meta(ge=1)] = 200
    """How many of them may come at once."""
    ping_s: Annotated[float, msgspec.Meta(gt=0)] = 25.0
    """Silence after which the server pings, or up to a fifth more, and how long it waits then."""


class Session(Protocol):
    """What a service does with one socket. Nothing here may block."""

    def connected(self, socket: "Socket") -> None:
        """Take over an open socket."""

    def received(self, text: bytes) -> None:
        """Handle one complete text message, valid UTF-8, in order of arrival."""

    def disconnected(self) -> None:
        """Let go: the socket is gone. Called once, also where the service closed it."""


class _Common:
    """What the sockets of a server share, so that each of them is small."""

    __slots__ = ("deadlines", "open", "settings")

    def __init__(self, settings: SocketSettings) -> None:
        self.settings = settings
        self.open: set[Socket] = set()
        self.deadlines = Deadlines[Socket](Socket.expire)


class Socket(WSListener):
    """One connection: whole messages in, frames out through a bounded buffer.

    There are many of them, most of them idle: what only a busy one needs, it gets when it needs it.
    """

    __slots__ = (
        "_allowance",
        "_common",
        "_expires_at",
        "_fragments",
        "_fragments_bytes",
        "_paused",
        "_refilled_at",
        "_resumed",
        "_session",
        "_silent_checks",
        "_transport",
    )

    def __init__(self, session: Session, common: _Common) -> None:
        self._session = session
        self._common = common
        self._transport: WSTransport | None = None
        self._paused = False
        self._resumed: asyncio.Event | None = None
        self._fragments: list[bytes] | None = None
        self._fragments_bytes = 0
        # Full until the first message.
        self._allowance: float = common.settings.message_burst
        self._refilled_at = 0.0
        self._silent_checks = 0
        self._expires_at: int | None = None

    def send(self, payload: bytes) -> None:
        """Send a text message of its own to this socket."""
        self.write(text_frame(payload))

    def write(self, frames: bytes) -> None:
        """Send complete frames, as many as they are, in one write.

        Does nothing on a socket that is closed or closing. A reader that lets more than the
        outbox holds pile up is disconnected with TOO_SLOW.
        """
        transport = self._transport
        if transport is None or transport.is_close_frame_sent:
            return
        transport.underlying_transport.write(frames)
        if self._paused:
            waiting = transport.underlying_transport.get_write_buffer_size()
            if waiting > self._common.settings.max_outbox_bytes:
                log.info("slow_reader_cut", waiting_bytes=waiting)
                self._cut()

    def write_ephemeral(self, frame: bytes) -> None:
        """Send a frame that nobody misses, unless the reader is behind."""
        transport = self._transport
        if transport is not None and not self._paused and not transport.is_close_frame_sent:
            transport.underlying_transport.write(frame)

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Send a close frame and disconnect as soon as it is out, at most two seconds later."""
        transport = self._transport
        if transport is None or transport.is_close_frame_sent:
            return
        # picows takes any code; its annotation knows only the registered ones.
        transport.send_close(code, reason.encode()[:120])  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(_CLOSING_S, transport.disconnect, False)

    def expire_at(self, unix_s: int) -> None:
        """Close with TOKEN_EXPIRED at a second since 1970. Call it once, on an open socket."""
        self._expires_at = unix_s
        self._common.deadlines.add(unix_s, self)

    def expire(self) -> None:
        """Close, because the access token has expired."""
        self.close(CloseCode.TOKEN_EXPIRED, "refresh the access token, then connect again")

    def check(self) -> None:
        """Count a check without a sign of life: ping at last, then give up."""
        transport = self._transport
        if transport is None:
            return
        if transport.is_close_frame_sent:
            if self._silent_checks == _CLOSING:
                # Nothing of what was left has been taken, or not all: there is no more time.
                transport.disconnect(False)
            self._silent_checks = _CLOSING
            return
        self._silent_checks += 1
        match due(self._silent_checks):
            case Due.PING:
                transport.send_ping()
            case Due.CUT:
                transport.send_close(WSCloseCode.GOING_AWAY, b"a ping was not answered")
                transport.disconnect(False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Hand the open socket to its session."""
        self._transport = transport
        _forget_handshake(transport)
        self._common.open.add(self)
        self._session.connected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Put messages together and pass them on; answer what the protocol asks."""
        self._silent_checks = 0
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(CloseCode.PROTOCOL_ERROR, "no extension was agreed upon")
        elif kind is WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                is_code = frame.get_payload_as_bytes()[:2] not in _NEVER_SENT
                transport.send_close(WSCloseCode.OK if is_code else WSCloseCode.PROTOCOL_ERROR)
            transport.disconnect()
        elif transport.is_close_frame_sent or not self._may_send():
            return
        elif kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.BINARY:
            self.close(CloseCode.UNSUPPORTED_DATA, "only text messages are understood")
        elif kind is not WSMsgType.PONG:
            self._take(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell the session, once."""
        del transport
        self._transport = None
        self._common.open.discard(self)
        if self._expires_at is not None:
            self._common.deadlines.discard(self._expires_at, self)
        self._wake_drained()
        self._session.disconnected()

    async def drained(self) -> None:
        """Wait until the reader has taken most of what was sent, or is gone."""
        while self._paused and self._transport is not None:
            if self._resumed is None:
                self._resumed = asyncio.Event()
            await self._resumed.wait()

    def pause_writing(self) -> None:
        """Start watching the buffer: the reader falls behind."""
        self._paused = True

    def resume_writing(self) -> None:
        """Stop watching the buffer."""
        self._paused = False
        self._wake_drained()

    def _wake_drained(self) -> None:
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def _take(self, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        goes_on = frame.msg_type is WSMsgType.CONTINUATION
        if goes_on != (self._fragments is not None):
            self.close(CloseCode.PROTOCOL_ERROR, "a fragment is not where it belongs")
            return
        if goes_on or not frame.fin:
            fragments = self._fragments = self._fragments or []
            fragments.append(payload)
            self._fragments_bytes += len(payload)
            if self._fragments_bytes > self._common.settings.max_frame_bytes:
                self.close(CloseCode.TOO_BIG, "the message is too long")
                return
            if not frame.fin:
                return
            payload = b"".join(fragments)
            self._fragments, self._fragments_bytes = None, 0
        try:
            payload.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_TEXT, "the message is not UTF-8")
            return
        self._session.received(payload)

    def _may_send(self) -> bool:
        """Spend one of the allowance, which refills with time; else close."""
        settings = self._common.settings
        now = time.monotonic()
        refill = (now - self._refilled_at) * settings.messages_per_s
        self._allowance = min(settings.message_burst, self._allowance + refill)
        self._refilled_at = now
        if self._allowance >= 1:
            self._allowance -= 1
            return True
        self.close(CloseCode.TOO_MANY_MESSAGES, "too many messages, or pings")
        return False

    def _cut(self) -> None:
        """Disconnect without waiting for what the reader does not take."""
        if self._transport is not None:
            self.close(CloseCode.TOO_SLOW, "read faster, and resume")
            self._transport.disconnect(False)


@asynccontextmanager
async def serve_sockets(
    host: str,
    port: int,
    settings: SocketSettings,
    accept: Callable[[Handshake], Session],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Accept sockets until the block ends; give the port that is listened on.

    `accept` returns the session of a new socket or raises a `ChatterRoomError`, which becomes an
    HTTP answer instead of an upgrade. Open sockets stay with their sessions, to be closed there,
    and are not looked after any more when the block has ended.
    """
    common = _Common(settings)

    def upgrade(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        try:
            handshake = parse_handshake(
                request.path.decode("latin-1"),
                {name.lower(): value for name, value in request.headers.items()},
            )
            session = accept(handshake)
        except ChatterRoomError as error:
            return _refusal(error)
        except Exception:
            log.exception("handshake_failed")
            return _refusal(
                ChatterRoomError(ErrorCode.INTERNAL, "something went wrong on our side")
            )
        protocol = handshake.accepted_subprotocol
        extra = {"Sec-WebSocket-Protocol": protocol} if protocol else {}
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(extra), Socket(session, common)
        )

    server = await ws_create_server(
        upgrade,
        host,
        port,
        ssl=tls,
        websocket_handshake_timeout=10,
        logger_name=_PICOWS_LOG,
        # A ping is a sign of life, so it must come to us; picows pings with a task a connection.
        enable_auto_pong=False,
        enable_auto_ping=False,
        max_frame_size=settings.max_frame_bytes,
        # It grows with the first longer message.
        read_buffer_init_size=2048,
        # Its transports take 5 KB more than those of the loop.
        use_aiofastnet=False,
        backlog=_BACKLOG,
    )
    checking = asyncio.create_task(keep_checking(common.open, settings.ping_s))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        checking.cancel()
        await asyncio.wait([checking])


def _forget_handshake(transport: WSTransport) -> None:
    """Let go of what picows keeps for those who ask: a kilobyte or two, the token among it."""
    del transport.request.headers, transport.request.path, transport.response.headers


def _refusal(error: ChatterRoomError) -> WSUpgradeResponseWithListener:
    status = HTTPStatus(_STATUS.get(error.code.kind, HTTPStatus.BAD_REQUEST))
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": error.message,
        "code": error.code.value,
    }
    headers = {"Content-Type": "application/problem+json"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = f"{max(1, ceil(error.retry_after_s))}"
    response = WSUpgradeResponse.create_error_response(
        status, msgspec.json.encode({**problem, **error.data, **problem}), headers
    )
    return WSUpgradeResponseWithListener(response, None)
