"""WebSockets through the gateway: the handshake is checked here, then bytes pass both ways.

An instance of the service is chosen and gets the handshake; from there on `pipes.py` carries.
"""

import asyncio
import errno
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import structlog

from chatterroom.auth.certificates import Certificates
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.core.rate_limits import RateLimitUsage
from chatterroom.gateway.addresses import counted_as
from chatterroom.gateway.admission import Admission
from chatterroom.gateway.answers import Answer, Header
from chatterroom.gateway.connections import Place
from chatterroom.gateway.errors import answer_to, problem
from chatterroom.gateway.in_flight import Holder
from chatterroom.gateway.pipes import Answering, Connection, Waiting
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.sockets.handshake import Handshake, authenticate, parse_handshake

__all__ = ["SOCKET_PATHS", "Relay", "SocketRoute", "Upgrade", "upgrade_required"]

log = structlog.get_logger()

SOCKET_PATHS = ("/ws/alert", "/ws/chat")

_CONNECT_S = 2.0
# An instance that has not answered a handshake by then is asked for its health.
_ANSWER_S = 2.0
_ATTEMPTS = 2
_NO_DESCRIPTOR_LEFT = {errno.EMFILE, errno.ENFILE}
_VERSION = "13"
# What a handshake consists of; the rest of the client's head stays here.
_FORWARDED = ("host", "origin", "authorization", "user-agent")
_FORWARDED_PREFIX = "sec-websocket-"


@dataclass(frozen=True)
class SocketRoute:
    """Which service takes the sockets of a path, and by which query parameter they gather."""

    service: str
    balancer: Balancer
    suspect: Callable[[Instance], None]
    """Has the health of an instance checked that cannot be reached."""
    gather_by: str = "userId"

    def key(self, handshake: Handshake) -> str:
        """Return what sockets share that should end up on one instance."""
        return handshake.query.get(self.gather_by) or handshake.query["userId"]


@dataclass(frozen=True)
class Upgrade:
    """A request to become a WebSocket."""

    method: str
    target: str
    http_version: str
    headers: list[tuple[str, str]]
    """Names in lower case, as often as they came."""
    peer: str

    def joined_headers(self) -> dict[str, str]:
        """Return the headers; the values of a repeated one are joined with commas."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined


class Relay:
    """Every socket that goes through this gateway."""

    def __init__(
        self,
        routes: Mapping[str, SocketRoute],
        admission: Admission,
        certificates: Certificates | None = None,
    ) -> None:
        self._routes = routes
        self._tls = certificates.client_context() if certificates else None
        self._admission = admission
        self._unavailable = {path: problem(_unavailable(route)) for path, route in routes.items()}
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()
        self._connecting: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._open)

    def take_over(
        self, client: asyncio.Transport, request: Upgrade, early: bytes, place: Place
    ) -> bool:
        """Relay a client that asked for an upgrade, or answer why not, close, and return False.

        `early` is what the client has sent behind the request. Its place is given back when it
        has been relayed.
        """
        usage = RateLimitUsage()
        try:
            admitted = self._admit(request, usage, place)
        except Exception as error:  # noqa: BLE001 -- the edge: every failure gets an answer
            client.write(_refusal(error).with_headers(usage.headers()).as_last_words())
            client.close()
            return False
        connection = Connection(
            client,
            _head(request, self._hops(request)) + early,
            self._unavailable[admitted.path],
            partial(
                self._admission.slow_readers.watch,
                holder=Holder(admitted.counted_as, admitted.user_id),
            ),
            partial(self._ended, admitted),
        )
        self._open.add(connection)
        self._empty.clear()
        # Until there is somebody to pass them on to, bytes wait in the kernel.
        client.pause_reading()
        client.set_write_buffer_limits()
        client.set_protocol(Waiting(connection))
        loop = asyncio.get_running_loop()
        connection.deadline = loop.call_later(self._admission.request_timeout_s, connection.abort)
        connection.connecting = task = loop.create_task(self._connect(connection, admitted))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    async def close(self) -> None:
        """Close every socket; clients are expected to come back elsewhere."""
        self._closing = True
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self._open):
            connection.abort()
        if self._open:
            await self._empty.wait()

    def _admit(self, request: Upgrade, usage: RateLimitUsage, place: Place) -> "_Admitted":
        headers = request.joined_headers()
        _require_handshake(request, headers)
        handshake = parse_handshake(request.target, headers)
        route = self._routes.get(handshake.path)
        if route is None:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "There is no WebSocket at this path.")
        admission, limits = self._admission, self._admission.limits
        forwarded_for = headers.get("x-forwarded-for", "")
        counted = counted_as(admission.addresses.address_of(request.peer, forwarded_for))
        now = time.monotonic()
        limits.address_handshakes.spend(counted, now, usage)
        token = authenticate(handshake, admission.identities.verifier, admission.allowed_origins)
        user_id = token.user_id
        limits.user_handshakes.spend(user_id, now, usage)
        limits.sockets_per_address.check(counted)
        limits.sockets_per_user.check(user_id)
        if self._closing:
            raise _unavailable(route)
        admission.connections.take_second(place)
        limits.sockets_per_address.take(counted)
        limits.sockets_per_user.take(user_id)
        admission.identities.last_seen.note(token.session_id)
        return _Admitted(handshake.path, route.key(handshake), counted, user_id, place)

    def _hops(self, request: Upgrade) -> str:
        forwarded_for = request.joined_headers().get("x-forwarded-for", "")
        return self._admission.addresses.way_to_pass_on(request.peer, forwarded_for)

    async def _connect(self, connection: Connection, admitted: "_Admitted") -> None:
        route, tried = self._routes[admitted.path], list[str]()
        while len(tried) < _ATTEMPTS:
            instance = route.balancer.pick(key=admitted.key, avoid=tried)
            if instance is None or instance.service_url in tried:
                break
            tried.append(instance.service_url)
            if await _reach(connection, route, instance, self._tls):
                loop = asyncio.get_running_loop()
                loop.call_later(_ANSWER_S, _suspect_if_silent, connection, route, instance)
                return
        connection.refuse()

    def _ended(self, admitted: "_Admitted", connection: Connection) -> None:
        self._admission.connections.leave(admitted.place)
        self._admission.limits.sockets_per_address.give_back(admitted.counted_as)
        self._admission.limits.sockets_per_user.give_back(admitted.user_id)
        self._open.discard(connection)
        if not self._open:
            self._empty.set()


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A handshake that may go on, and what is counted until its socket closes."""

    path: str
    key: str
    counted_as: str
    user_id: UserId
    place: Place


async def _reach(
    connection: Connection, route: SocketRoute, instance: Instance, tls: ssl.SSLContext | None
) -> bool:
    route.balancer.started(instance)
    try:
        host, port = _split(instance.websocket_url)
        async with asyncio.timeout(_CONNECT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: Answering(connection),
                host,
                port,
                ssl=tls,
                server_hostname=route.service if tls else None,
            )
    except (OSError, ValueError) as error:
        # Where this process has no descriptor left, no instance is to blame.
        if not (isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR_LEFT):
            route.suspect(instance)
        log.warning(
            "relay_cannot_connect",
            service=route.service,
            url=instance.websocket_url,
            reason=type(error).__name__,
        )
        return False
    finally:
        route.balancer.ended(instance)
    return True


def _suspect_if_silent(connection: Connection, route: SocketRoute, instance: Instance) -> None:
    if connection.deadline is not None:
        route.suspect(instance)


def _require_handshake(request: Upgrade, headers: Mapping[str, str]) -> None:
    if request.method != "GET":
        raise ChatterRoomError(
            ErrorCode.METHOD_NOT_ALLOWED, "A WebSocket handshake must be a GET request."
        )
    if headers.get("sec-websocket-version") != _VERSION:
        raise _WrongVersionError
    carries_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    if request.http_version != "1.1" or "sec-websocket-key" not in headers or carries_body:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, "This is not a WebSocket handshake.")


class _WrongVersionError(Exception):
    """The client speaks another WebSocket version."""


def upgrade_required() -> Answer:
    """Return the answer to whoever does not ask for a WebSocket as it is spoken here."""
    known = ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        "This is a WebSocket endpoint. Connect with WebSocket version 13.",
    )
    spoken: tuple[Header, ...] = (
        (b"sec-websocket-version", _VERSION.encode()),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
    )
    return problem(known, HTTPStatus.UPGRADE_REQUIRED, spoken)


def _refusal(error: Exception) -> Answer:
    return upgrade_required() if isinstance(error, _WrongVersionError) else answer_to(error)


def _head(request: Upgrade, hops: str) -> bytes:
    lines = [f"GET {request.target} HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [
        f"{name}: {value}"
        for name, value in request.headers
        if name in _FORWARDED or name.startswith(_FORWARDED_PREFIX)
    ]
    lines.append(f"X-Forwarded-For: {hops}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _split(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition(":")
    return host.strip("[]"), int(port)


def _unavailable(route: SocketRoute) -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.SERVICE_UNAVAILABLE,
        f"The {route.service} service is not available. Try again in a moment.",
        retry_after_s=1.0,
        service=route.service,
    )
