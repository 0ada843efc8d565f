"""Who opens a socket, and whether they may. No sockets here: headers in, identity out."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from chatterroom.auth.tokens import AccessToken, TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId, parse_user_id

__all__ = ["PROTOCOL", "Handshake", "authenticate", "parse_handshake"]

PROTOCOL = "chatterroom.v1"
_BEARER_PROTOCOL = "bearer."
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True)
class Handshake:
    """What an upgrade request says of itself, not yet believed.

    `headers` holds lower-case names; of a repeated header the values are joined with commas.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols offered, most wanted first."""
        offered = self.headers.get("sec-websocket-protocol", "")
        return [name.strip() for name in offered.split(",") if name.strip()]

    @property
    def wants_protocol(self) -> bool:
        """Whether the client speaks `chatterroom.v1` rather than the simple mode."""
        return PROTOCOL in self.subprotocols

    @property
    def accepted_subprotocol(self) -> str | None:
        """The subprotocol to respond with: a browser fails if it offered some and got none."""
        if self.wants_protocol:
            return PROTOCOL
        return next((name for name in self.subprotocols if _is_token(name)), None)


def parse_handshake(target: str, headers: Mapping[str, str]) -> Handshake:
    """Split a request target; of a repeated query parameter the first counts.

    Raises INVALID_REQUEST.
    """
    try:
        parts = urlsplit(target)
        fields = parse_qs(parts.query, max_num_fields=20)
    except ValueError:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "The address of the WebSocket could not be decoded."
        ) from None
    query = {name: values[0] for name, values in fields.items()}
    return Handshake(parts.path, query, headers)


def authenticate(
    handshake: Handshake, verifier: TokenVerifier, allowed_origins: frozenset[str]
) -> AccessToken:
    """Return the token that opens the socket for the `userId` of the query.

    The token comes as `Authorization: Bearer` or, from browsers, as the subprotocol
    `bearer.<token>`. Raises TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, MALFORMED_ID,
    IDENTITY_MISMATCH, ORIGIN_NOT_ALLOWED or, for subprotocols that are not spoken, INVALID_REQUEST.
    """
    _require_known_origin(handshake.headers, allowed_origins)
    token = verifier.verify(_offered_token(handshake))
    user_id = handshake.query.get("userId")
    if user_id is None:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "The query parameter userId is missing.", field="userId"
        )
    if parse_user_id(user_id, "userId") != UserId(token.user_id):
        raise ChatterRoomError(
            ErrorCode.IDENTITY_MISMATCH,
            "userId is not the user of the access token.",
            field="userId",
        )
    _require_spoken(handshake)
    return token


def _offered_token(handshake: Handshake) -> str:
    scheme, _, offered = handshake.headers.get("authorization", "").partition(" ")
    # Names of schemes have no case (RFC 9110, section 11.1).
    if scheme.lower() == "bearer" and offered:
        return offered.strip()
    for name in handshake.subprotocols:
        if _is_token(name):
            return name.removeprefix(_BEARER_PROTOCOL)
    raise ChatterRoomError(
        ErrorCode.TOKEN_MISSING,
        "Send an access token, as Authorization: Bearer or as the subprotocol bearer.<token>.",
    )


def _require_spoken(handshake: Handshake) -> None:
    """A client of another version must not end in simple mode, where its commands are messages."""
    offered = [name for name in handshake.subprotocols if not _is_token(name)]
    if offered and not handshake.wants_protocol:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST,
            f"This server speaks the subprotocol {PROTOCOL}, or simple mode if none is offered.",
        )


def _is_token(subprotocol: str) -> bool:
    return subprotocol.startswith(_BEARER_PROTOCOL)


def _require_known_origin(headers: Mapping[str, str], allowed_origins: frozenset[str]) -> None:
    """Browsers send Origin; a page of another site must not ride on what a browser knows."""
    origin = headers.get("origin")
    if origin is None or origin in allowed_origins:
        return
    scheme, _, site = origin.partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    host = headers.get("host", "")
    if port is None or not site or _without(port, site) != _without(port, host):
        raise ChatterRoomError(
            ErrorCode.ORIGIN_NOT_ALLOWED, "This origin may not open WebSockets here."
        )


def _without(port: str, site: str) -> str:
    """Return a host that browsers may or may not name with its default port."""
    return site.lower().removesuffix(port)
