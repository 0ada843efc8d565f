"""One device on `/ws/alert`: who may connect, what it hears, what it is answered."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from chatterroom.auth.tokens import AccessToken, TokenVerifier
from chatterroom.background import isolated
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.handshake import Handshake, authenticate
from chatterroom.sockets.server_picows import Socket
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alert_protocol import Ack, Acked, Problem, Ready, answer_to
from chatterroom.users.alerts import Alert, Alerts, ProfileChanged

__all__ = ["AlertSocket", "AlertSockets"]

log = structlog.get_logger()

_PATH = "/ws/alert"
_MAX_WAITING = 1_000


@dataclass(frozen=True)
class AlertSockets:
    """What every alert socket works with."""

    verifier: TokenVerifier
    origins: frozenset[str]
    alerts: Alerts
    book: AlertBook
    tasks: asyncio.TaskGroup

    def accept(self, handshake: Handshake) -> "AlertSocket":
        """Return the session of a new socket, or raise NOT_FOUND or what `authenticate` raises."""
        if handshake.path != _PATH:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, f"the only path here is {_PATH}")
        return AlertSocket(authenticate(handshake, self.verifier, self.origins), self)


class AlertSocket:
    """Hears the alerts of its user until its access token expires or its session ends.

    First those that the session has not seen, then live ones, each once.
    """

    __slots__ = ("_parts", "_socket", "_token", "_told", "_waiting", "_work", "session_id")

    def __init__(self, token: AccessToken, parts: AlertSockets) -> None:
        self.session_id = token.session_id
        self._token = token
        self._parts = parts
        self._socket: Socket | None = None
        self._work: set[asyncio.Task[None]] = set()
        # Live alerts that wait until those before them are told; None from then on.
        self._waiting: list[Alert] | None = []
        self._told: frozenset[str] = frozenset()

    @property
    def user_id(self) -> UserId:
        """Whose alerts they are."""
        return self._token.user_id

    def connected(self, socket: Socket) -> None:
        """Begin to hear, say `ready`, and set the end."""
        self._socket = socket
        self._parts.alerts.connect(self._token.user_id, self)
        if self.session_id in self._parts.verifier.ended:
            # It has ended since the handshake.
            self.close(CloseCode.TOKEN_EXPIRED, "The session has ended.")
            return
        self._send(Ready(self.session_id))
        socket.expire_at(self._token.expires_at)
        self._start(self._tell_unseen())

    def received(self, text: bytes) -> None:
        """Answer a message of the client."""
        answer = answer_to(text)
        if isinstance(answer, Ack):
            self._start(self._ack(answer))
        else:
            self._send(answer)

    def disconnected(self) -> None:
        """Stop hearing."""
        for task in self._work:
            task.cancel()
        self._parts.alerts.disconnect(self._token.user_id, self)
        self._socket = None

    def hear(self, alert: Alert) -> None:
        """Pass an alert on to the client."""
        if self._waiting is None:
            # What is stored may be read and told before those who stored it tell it.
            if isinstance(alert, ProfileChanged) or alert.alert_id not in self._told:
                self._send(alert)
        elif len(self._waiting) < _MAX_WAITING:
            self._waiting.append(alert)
        else:
            self.close(CloseCode.TRY_AGAIN_LATER, "Too many alerts are waiting. Reconnect.")

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the socket, if it is open."""
        if self._socket is not None:
            self._socket.close(code, reason)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._parts.tasks.create_task(self._guard(work))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a failure end this socket, not the service."""
        with isolated("socket"):
            try:
                await work
            except Exception:
                log.exception("socket_failed")
                self.close(CloseCode.INTERNAL_ERROR, "Something went wrong on our side.")

    async def _tell_unseen(self) -> None:
        try:
            unseen = await self._parts.book.unseen(self._token.user_id, self.session_id)
        except ChatterRoomError:
            self.close(CloseCode.TRY_AGAIN_LATER, "Alerts are not available. Reconnect.")
            return
        for alert in unseen:
            self._send(alert)
        self._told = frozenset(alert.alert_id for alert in unseen)
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            self.hear(each)

    async def _ack(self, ack: Ack) -> None:
        try:
            await self._parts.book.ack(self._token.user_id, self.session_id, ack.alert_id)
        except ChatterRoomError as error:
            self._send(Problem(error.code.value, error.message, ack.ref))
        else:
            self._send(Acked(ack.alert_id, ack.ref))

    def _send(self, event: msgspec.Struct) -> None:
        if self._socket is not None:
            self._socket.send(msgspec.json.encode(event))
