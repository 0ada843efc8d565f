"""Who asks: from the access token of a request to the caller that services are told of."""

import time
from collections.abc import Mapping

from chatterroom.auth.tokens import AccessToken, TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId, parse_user_id
from chatterroom.gateway.last_seen import LastSeen
from chatterroom.rpc.identity import Caller

__all__ = ["Identities", "require_oneself"]

_MAX_REMEMBERED = 10_000


class Identities:
    """Verifies the tokens of requests; remembers those it has verified, until they expire."""

    def __init__(self, verifier: TokenVerifier, last_seen: LastSeen) -> None:
        self.verifier = verifier
        self.last_seen = last_seen
        self._verified: dict[bytes, AccessToken] = {}

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return whom a request acts for. Raises TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED."""
        scheme, _, offered = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not offered:
            raise ChatterRoomError(
                ErrorCode.TOKEN_MISSING, "Send an access token, as Authorization: Bearer."
            )
        token = self._verified.get(offered)
        # An expired one is verified again, and refused with the reason.
        if token is None or token.expires_at <= time.time():
            token = self._verify(offered)
        self.verifier.require_going_on(token)
        self.last_seen.note(token.session_id)
        return Caller(token.user_id, token.session_id)

    def _verify(self, offered: bytes) -> AccessToken:
        token = self.verifier.verify(offered.decode("latin-1").strip())
        if len(self._verified) >= _MAX_REMEMBERED:
            self._verified.clear()
        self._verified[offered] = token
        return token


def require_oneself(claimed: str, caller: Caller, field: str) -> UserId:
    """Return `claimed` where it is the caller. Raises MALFORMED_ID or IDENTITY_MISMATCH."""
    user_id = parse_user_id(claimed, field)
    if user_id != caller.user_id:
        raise ChatterRoomError(
            ErrorCode.IDENTITY_MISMATCH,
            f"{field} is not the user of the access token.",
            field=field,
        )
    return user_id
