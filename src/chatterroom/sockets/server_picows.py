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
)

from chatterroom.core import descriptors
from chatterroom.core.errors import ChatterRoomError, ErrorKind, internal_error
from chatterroom.core.ids import UserId
from chatterroom.sockets.accepting_picows import Accepted, protocol_factory
from chatterroom.sockets.budget import Budget
from chatterroom.sockets.deadlines import Deadlines
from chatterroom.sockets.frames import CloseCode, text_frame
from chatterroom.sockets.handshake import Handshake, parse_handshake
from chatterroom.sockets.heartbeat import CHECKS, Due, due, keep_checking

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
# So much of one socket may wait whatever others leave: more than an honest message or two. As
# much the loop's transports buffer before they call a reader slow.
_SHARE_BYTES = 64 * 1024
# What a message that waits takes beside its bytes, and what thousands of empty ones count for.
_OVERHEAD_BYTES = 128
_LOOK_AGAIN_S = 0.05
# In place of a number of silent checks: at the last one the socket was closing.
_CLOSING = -1
# Codes that picows takes for "none was sent", and so lets pass.
_NEVER_SENT = {(0).to_bytes(2), (1006).to_bytes(2)}
# After a storm all clients connect at once; who does not fit waits for a second or more. The
# kernel's own limit is the other bound.
_BACKLOG = 4096
# Wrapped, because picows gives every connection a child of a plain logger.
_PICOWS_LOG = logging.LoggerAdapter(logging.getLogger("picows"), {})


Bytes = Annotated[int, msgspec.Meta(ge=0)]


class SocketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of sockets: of one, of all of one user, of all of this instance. 0 is no limit."""

    max_frame_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 256 * 1024
    """A longer message from a client closes its socket."""
    max_outbox_bytes: Annotated[int, msgspec.Meta(ge=65536)] = 1024 * 1024
    """What may wait for a slow reader before it is cut off."""
    max_outbox_bytes_per_user: Bytes = 16 * 1024 * 1024
    """What may wait for all slow readers of one user."""
    max_outbox_bytes_of_all: Bytes = 256 * 1024 * 1024
    """What may wait for all slow readers of this instance."""
    slow_reader_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """How long a reader may be behind all the time before it is cut off."""
    max_inbox_bytes: Annotated[int, msgspec.Meta(ge=65536)] = 512 * 1024
    """What of a client may wait for an answer before its socket is not read for a while."""
    max_inbox_bytes_per_user: Bytes = 2 * 1024 * 1024
    """What may wait of all sockets of one user, before each is read only little by little."""
    max_inbox_bytes_of_all: Bytes = 64 * 1024 * 1024
    """What may wait of all sockets of this instance, before those are closed that want more."""
    messages_per_s: Annotated[float, msgspec.Meta(gt=0)] = 50.0
    """Sustained rate at which a socket may send frames: messages, fragments, pings."""
    message_burst: Annotated[int, msgspec.Meta(ge=1)] = 200
    """How many of them may come at once."""
    ping_s: Annotated[float, msgspec.Meta(gt=0)] = 25.0
    """Silence after which the server pings, or up to a fifth more, and how long it waits then."""

    max_connections: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Connections to the WebSocket port. None: what the limit on file descriptors allows."""
    max_handshakes: Annotated[int, msgspec.Meta(ge=0)] = 2048
    """How many of them may not have shaken hands; the oldest make room."""


class Session(Protocol):
    """What a service does with one socket. Nothing here may block."""

    @property
    def user_id(self) -> UserId:
        """Whose socket it is."""

    def connected(self, socket: "Socket") -> None:
        """Take over an open socket."""

    def received(self, text: bytes) -> None:
        """Handle one complete text message, valid UTF-8, in order of arrival.

        What is kept for later must be counted: see `Socket.hold`.
        """

    def disconnected(self) -> None:
        """Let go: the socket is gone. Called once, also where the service closed it."""


class _Common:
    """What the sockets of a server share, so that each of them is small."""

    __slots__ = (
        "accepted",
        "deadlines",
        "inboxes",
        "open",
        "outboxes",
        "settings",
        "slow_checks",
    )

    def __init__(self, settings: SocketSettings) -> None:
        self.settings = settings
        self.inboxes = Budget(settings.max_inbox_bytes_of_all, settings.max_inbox_bytes_per_user)
        self.outboxes = Budget(settings.max_outbox_bytes_of_all, settings.max_outbox_bytes_per_user)
        self.slow_checks = ceil(settings.slow_reader_s * CHECKS / settings.ping_s)
        most = settings.max_connections
        if most is None:
            most = descriptors.left_for_connections()
        self.accepted = Accepted(most, settings.max_handshakes)
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
        "_held",
        "_is_read",
        "_paused",
        "_refilled_at",
        "_resumed",
        "_session",
        "_silent_checks",
        "_slow_checks",
        "_transport",
        "_unfinished_checks",
        "_waiting",
    )

    def __init__(self, session: Session, common: _Common) -> None:
        self._session = session
        self._common = common
        self._transport: WSTransport | None = None
        self._paused = False
        self._resumed: asyncio.Event | None = None
        self._fragments: list[bytes] | None = None
        self._fragments_bytes = 0
        self._held = 0
        self._is_read = True
        self._waiting = 0
        self._slow_checks = 0
        self._unfinished_checks = 0
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
        outbox holds pile up is disconnected with TOO_SLOW; and so is one that is behind at all
        while what waits for its user, or for everybody, is more than it may be.
        """
        transport = self._transport
        if transport is None or transport.is_close_frame_sent:
            return
        transport.underlying_transport.write(frames)
        if self._paused:
            waiting = self._count_waiting(transport.underlying_transport.get_write_buffer_size())
            outboxes, settings = self._common.outboxes, self._common.settings
            # A long run is no sign of a slow reader, but what was there before it is.
            if waiting - len(frames) > settings.max_outbox_bytes or (
                waiting > _SHARE_BYTES and outboxes.is_spent(self._session.user_id)
            ):
                log.info("slow_reader_cut", waiting_bytes=waiting, all_bytes=outboxes.held)
                self._cut()

    def write_ephemeral(self, frame: bytes) -> None:
        """Send a frame that nobody misses, unless the reader is behind."""
        transport = self._transport
        if transport is not None and not self._paused and not transport.is_close_frame_sent:
            transport.underlying_transport.write(frame)

    def hold(self, message: bytes) -> None:
        """Count a message that waits. While too much waits, no more is read from the client.

        Where all sockets together hold too much, one that wants more than a little is closed.
        """
        self._count_held(message)
        if self._is_read and self._held > self._share() and (transport := self._reachable()):
            self._is_read = False
            transport.underlying_transport.pause_reading()

    def release(self, message: bytes) -> None:
        """Count a message that does not wait any more."""
        if self._transport is None:
            return
        self._held -= _cost(message)
        self._common.inboxes.change(self._session.user_id, -_cost(message))
        if (
            not self._is_read
            and self._held <= self._share() // 2
            and (transport := self._reachable())
        ):
            self._is_read = True
            transport.underlying_transport.resume_reading()

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
        self.close(
            CloseCode.TOKEN_EXPIRED, "The access token has expired. Refresh it and reconnect."
        )

    def check(self) -> None:
        """Count a check without a sign of life: ping at last, then give up.

        Also gives up who has been behind for long, or does not finish a message.
        """
        transport = self._transport
        if transport is None:
            return
        if transport.is_close_frame_sent:
            if self._silent_checks == _CLOSING:
                # Nothing of what was left has been taken, or not all: there is no more time.
                transport.disconnect(False)
            self._silent_checks = _CLOSING
            return
        if self._paused:
            self._slow_checks += 1
            if self._slow_checks > self._common.slow_checks:
                log.info("slow_reader_cut", waiting_bytes=self._waiting)
                self._cut()
                return
        if self._fragments is not None:
            self._unfinished_checks += 1
            if self._unfinished_checks > CHECKS:
                self.close(CloseCode.TOO_SLOW, "The rest of a message did not arrive in time.")
                return
        if not self._is_read:
            return  # what it says is not heard: silence says nothing
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
        self._common.accepted.shaken_hands(transport.underlying_transport)
        self._common.open.add(self)
        self._session.connected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Put messages together and pass them on; answer what the protocol asks."""
        self._silent_checks = 0
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(CloseCode.PROTOCOL_ERROR, "No extension was negotiated.")
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
            self.close(CloseCode.UNSUPPORTED_DATA, "Only text messages are supported.")
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
        self._count_waiting(0)
        self._common.inboxes.change(self._session.user_id, -self._held)
        self._held = 0
        self._session.disconnected()

    async def drained(self) -> None:
        """Wait until the reader has taken most of what was sent, or is gone.

        Waits as well while much waits for all readers of the user, or of the instance: who paces
        what it sends, as a resume does, is not cut off for it.
        """
        while self._transport is not None:
            if self._paused:
                if self._resumed is None:
                    self._resumed = asyncio.Event()
                await self._resumed.wait()
            elif self._common.outboxes.has_room(self._session.user_id):
                return
            else:
                await asyncio.sleep(_LOOK_AGAIN_S)

    def pause_writing(self) -> None:
        """Start watching the buffer: the reader falls behind."""
        self._paused = True

    def resume_writing(self) -> None:
        """Stop watching the buffer."""
        self._paused = False
        self._slow_checks = 0
        self._count_waiting(0)
        self._wake_drained()

    def _wake_drained(self) -> None:
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def _take(self, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        goes_on = frame.msg_type is WSMsgType.CONTINUATION
        if goes_on != (self._fragments is not None):
            self.close(CloseCode.PROTOCOL_ERROR, "A fragment is out of order.")
            return
        if goes_on or not frame.fin:
            fragments = self._fragments = self._fragments or []
            fragments.append(payload)
            self._fragments_bytes += len(payload)
            self._count_held(payload)
            if self._fragments_bytes > self._common.settings.max_frame_bytes:
                self.close(CloseCode.TOO_BIG, "The message is too long.")
                return
            if not frame.fin:
                return
            payload = b"".join(fragments)
            for fragment in fragments:
                self.release(fragment)
            self._fragments, self._fragments_bytes = None, 0
            self._unfinished_checks = 0
        try:
            payload.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_TEXT, "The message is not valid UTF-8.")
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
        self.close(CloseCode.TOO_MANY_MESSAGES, "Too many messages or pings.")
        return False

    def _count_held(self, message: bytes) -> None:
        self._held += _cost(message)
        self._common.inboxes.change(self._session.user_id, _cost(message))
        if self._held > _SHARE_BYTES and self._common.inboxes.is_spent_by_all():
            self.close(CloseCode.TRY_AGAIN_LATER, "Too much is waiting for a response. Reconnect.")

    def _share(self) -> int:
        """Return how much may wait of this socket now."""
        if self._common.inboxes.is_spent(self._session.user_id):
            return _SHARE_BYTES
        return self._common.settings.max_inbox_bytes

    def _reachable(self) -> WSTransport | None:
        transport = self._transport
        if transport is None or transport.underlying_transport.is_closing():
            return None
        return transport

    def _count_waiting(self, waiting: int) -> int:
        if waiting != self._waiting:
            self._common.outboxes.change(self._session.user_id, waiting - self._waiting)
            self._waiting = waiting
        return waiting

    def _cut(self) -> None:
        """Disconnect without waiting for what the reader does not take."""
        if self._transport is not None:
            self.close(CloseCode.TOO_SLOW, "Read faster, and resume.")
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
            return _refusal(internal_error())
        protocol = handshake.accepted_subprotocol
        extra = {"Sec-WebSocket-Protocol": protocol} if protocol else {}
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(extra), Socket(session, common)
        )

    server = await asyncio.get_running_loop().create_server(
        protocol_factory(
            common.accepted,
            upgrade,
            _PICOWS_LOG,
            max_frame_bytes=settings.max_frame_bytes,
            # It grows with the first longer message.
            read_buffer_bytes=2048,
        ),
        host,
        port,
        ssl=tls,
        backlog=_BACKLOG,
    )
    checking = asyncio.create_task(keep_checking(common.open, settings.ping_s))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        checking.cancel()
        await asyncio.wait([checking])


def _cost(message: bytes) -> int:
    return len(message) + _OVERHEAD_BYTES


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
