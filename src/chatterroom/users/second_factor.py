"""One-time codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 s). No I/O."""

import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

__all__ = ["PENDING_FOR", "SecondFactor", "matching_step", "new_secret", "secret_text", "setup_uri"]

# How long a secret waits for its first code.
PENDING_FOR = timedelta(minutes=15)

_STEP_S = 30
_DIGITS = 6
# The secret of RFC 4226, section 4: as long as the hash.
_SECRET_BYTES = 20
# A code that was read just before it changed, or on a clock that runs a little fast.
_TOLERATED_STEPS = (0, -1, 1)
_ISSUER = "ChatterRoom"


@dataclass(frozen=True)
class SecondFactor:
    """A user's second factor. Codes of `last_step` and before have been used."""

    secret: bytes = field(repr=False)
    last_step: int


def new_secret() -> bytes:
    """Return a secret that nobody has had before."""
    return secrets.token_bytes(_SECRET_BYTES)


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the time step that a code belongs to, or None unless it is a current one."""
    if len(code) != _DIGITS or not code.isascii():
        return None
    totp = _totp(secret)
    current = int(now.timestamp()) // _STEP_S
    for step in (current + tolerated for tolerated in _TOLERATED_STEPS):
        if compare_digest(totp.generate(step * _STEP_S), code.encode()):
            return step
    return None


def secret_text(secret: bytes) -> str:
    """Return a secret as people type it."""
    return b32encode(secret).decode()


def setup_uri(secret: bytes, account: str) -> str:
    """Return the otpauth: URI that apps read from a QR code."""
    return _totp(secret).get_provisioning_uri(account, _ISSUER)


def _totp(secret: bytes) -> TOTP:
    # Apps know no other hash (RFC 6238, section 1.2); in an HMAC it is sound.
    return TOTP(secret, _DIGITS, SHA1(), _STEP_S)  # noqa: S303 # nosec B303
