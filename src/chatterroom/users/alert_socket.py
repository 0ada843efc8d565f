"""One device on `/ws/alert`: who may connect, what it hears, what it is answered."""

import msgspec

from chatterroom.auth.tokens import AccessToken, TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.handshake import Handshake, authenticate
from chatterroom.sockets.server_picows import Socket
from chatterroom.users.alert_protocol import Ready, answer_to
from chatterroom.users.alerts import Alert, Alerts

__all__ = ["AlertSocket", "accept_alert_socket"]

_PATH = "/ws/alert"


def accept_alert_socket(
    handshake: Handshake, verifier: TokenVerifier, origins: frozenset[str], alerts: Alerts
) -> "AlertSocket":
    """Return the session of a new socket, or raise NOT_FOUND or what `authenticate` raises."""
    if handshake.path != _PATH:
        raise ChatterRoomError(ErrorCode.NOT_FOUND, f"the only path here is {_PATH}")
    return AlertSocket(authenticate(handshake, verifier, origins), alerts)


class AlertSocket:
    """Hears the alerts of its user until its access token expires."""

    __slots__ = ("_alerts", "_socket", "_token", "session_id")

    def __init__(self, token: AccessToken, alerts: Alerts) -> None:
        self.session_id = token.session_id
        self._token = token
        self._alerts = alerts
        self._socket: Socket | None = None

    def connected(self, socket: Socket) -> None:
        """Begin to hear, say `ready`, and set the end."""
        self._socket = socket
        self._alerts.connect(self._token.user_id, self)
        self._send(Ready(self.session_id))
        socket.expire_at(self._token.expires_at)

    def received(self, text: bytes) -> None:
        """Answer a message of the client."""
        self._send(answer_to(text))

    def disconnected(self) -> None:
        """Stop hearing."""
        self._alerts.disconnect(self._token.user_id, self)
        self._socket = None

    def hear(self, alert: Alert) -> None:
        """Pass an alert on to the client."""
        self._send(alert)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the socket, if it is open."""
        if self._socket is not None:
            self._socket.close(code, reason)

    def _send(self, event: msgspec.Struct) -> None:
        if self._socket is not None:
            self._socket.send(msgspec.json.encode(event))
