"""Sessions and the refresh tokens that continue them. No I/O.

A refresh token is `<session id>.<family>.<secret>`. The family stays for the life of the session,
the secret changes with every refresh: a token of the right family with another secret has been
used before. For a while it leads to the newest one: parts of a client may share a token, and
responses get lost. After that, somebody holds a copy.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId

__all__ = ["Exchange", "Origin", "RefreshToken", "Session"]

_TOKEN = re.compile(r"([0-7][0-9a-hjkmnp-tv-z]{25})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")
_DEVICE_CHARACTERS = 200
_ADDRESS_CHARACTERS = 64


@dataclass(frozen=True)
class Origin:
    """Where a login came from, as the client and the gateway tell it."""

    device: str
    address: str

    @classmethod
    def of(cls, device: str, address: str) -> "Origin":
        """Cut both to what may be stored and shown to the user."""
        return cls(_shown(device, _DEVICE_CHARACTERS), _shown(address, _ADDRESS_CHARACTERS))


@dataclass(frozen=True)
class Session:
    """One login of a user on one device."""

    session_id: SessionId
    user_id: UserId
    origin: Origin
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    password_set_at: datetime | None = None
    """When the password that it was begun with was set; None: at the registration."""


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token taken apart. Never shown, not even by `repr`; stored as hashes only."""

    session_id: SessionId
    family: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def first(cls, session_id: SessionId) -> "RefreshToken":
        """Make the token that a login hands out."""
        return cls(session_id, secrets.token_urlsafe(16), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Take a token apart, or raise TOKEN_INVALID."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            raise ChatterRoomError(ErrorCode.TOKEN_INVALID, "The refresh token is not valid.")
        return cls(SessionId(match[1]), match[2], match[3])

    def successor(self, salt: str) -> "RefreshToken":
        """Return the token that takes this one's place: the same one for the same salt.

        It cannot be computed without this token's secret, which is not stored.
        """
        digest = hmac.digest(salt.encode(), self.secret.encode(), "sha256")
        secret = urlsafe_b64encode(digest).decode().rstrip("=")
        return RefreshToken(self.session_id, self.family, secret)

    def newest(self, exchanges: Sequence["Exchange"]) -> "RefreshToken":
        """Return what this token has become, by the exchanges of its session in order."""
        token = self
        for exchange in exchanges:
            if exchange.secret_hash == token.secret_hash:
                token = token.successor(exchange.salt)
        return token

    def text(self) -> str:
        """Return the token as the client keeps it."""
        return f"{self.session_id}.{self.family}.{self.secret}"

    # Both halves are random, so that a plain fast hash keeps them (no dictionary to try).
    @property
    def family_hash(self) -> str:
        """What is stored of the family."""
        return sha256(self.family.encode()).hexdigest()

    @property
    def secret_hash(self) -> str:
        """What is stored of the secret."""
        return sha256(self.secret.encode()).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """A token that was exchanged, and what its successor is made with."""

    secret_hash: str
    salt: str
    exchanged_at: datetime

    @classmethod
    def of(cls, token: RefreshToken, now: datetime) -> "Exchange":
        """Exchange a token."""
        return cls(token.secret_hash, secrets.token_urlsafe(16), now)


def _shown(text: str, limit: int) -> str:
    return "".join(filter(str.isprintable, text[:limit]))
