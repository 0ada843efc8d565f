"""Access tokens: JWTs signed with Ed25519 by the user service, verified by everyone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatterroom.auth.ended_sessions import EndedSessions
from chatterroom.auth.token_keys import VerificationKeys, thumbprint
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId

__all__ = ["AccessToken", "TokenSigner", "TokenVerifier"]

# One algorithm, one issuer, one audience: what a token says of itself is never followed
# (RFC 8725, sections 3.1 and 3.8 to 3.11).
_ALGORITHM = "EdDSA"
_ISSUER = "chatterroom"
_AUDIENCE = "chatterroom"
_TYPE = "at+jwt"
_MAX_TOKEN_CHARACTERS = 2048
_LATEST_EXPIRY = 2**40


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a verified token says."""

    user_id: UserId
    session_id: SessionId
    expires_at: int
    """Seconds since 1970."""


class TokenSigner:
    """Makes access tokens that are valid for `lifetime_s`."""

    def __init__(self, key: Ed25519PrivateKey, lifetime_s: int) -> None:
        self.lifetime_s = lifetime_s
        self.use(key)

    def use(self, key: Ed25519PrivateKey) -> None:
        """Sign with another key from now on."""
        self._key = key
        self.kid = thumbprint(key.public_key())

    def sign(self, user_id: UserId, session_id: SessionId, now: datetime) -> str:
        """Return a token for a session of a user, valid from `now`."""
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "iat": now,
            "exp": now + timedelta(seconds=self.lifetime_s),
        }
        return jwt.encode(
            claims, self._key, algorithm=_ALGORITHM, headers={"typ": _TYPE, "kid": self.kid}
        )


class TokenVerifier:
    """Tells real access tokens of sessions that go on from all others."""

    def __init__(self, keys: VerificationKeys, ended: EndedSessions | None = None) -> None:
        self.keys = keys
        self.ended = EndedSessions() if ended is None else ended

    def verify(self, token: str) -> AccessToken:
        """Return what the token says, or raise TOKEN_EXPIRED, TOKEN_INVALID or, before the ended
        sessions are known, SERVICE_UNAVAILABLE.
        """
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise _not_valid()
        try:
            # Of what the header says, the name of a key that we have is all that counts.
            key = self.keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise _not_valid()
            decoded = jwt.decode_complete(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options={"require": ["exp", "iat", "sub", "sid", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise ChatterRoomError(
                ErrorCode.TOKEN_EXPIRED, "The access token has expired."
            ) from None
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            raise _not_valid() from None
        claims = decoded["payload"]
        session_id, expires_at = claims["sid"], claims["exp"]
        if (
            decoded["header"].get("typ") != _TYPE
            or "crit" in decoded["header"]
            or not isinstance(session_id, str)
            or not isinstance(expires_at, int)
            or expires_at > _LATEST_EXPIRY
        ):
            raise _not_valid()
        verified = AccessToken(UserId(claims["sub"]), SessionId(session_id), expires_at)
        self.require_going_on(verified)
        return verified

    def require_going_on(self, token: AccessToken) -> None:
        """Raise TOKEN_INVALID where the session of a verified token has been ended, and
        SERVICE_UNAVAILABLE while this process has not received all ended sessions once.
        """
        if not self.ended.is_complete:
            raise ChatterRoomError(
                ErrorCode.SERVICE_UNAVAILABLE,
                "The service has just started and cannot check access tokens yet. "
                "Try again in a moment.",
                retry_after_s=1.0,
            )
        if token.session_id in self.ended:
            raise _not_valid()


def _not_valid() -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.TOKEN_INVALID, "The access token is not valid.")
