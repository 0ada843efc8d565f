"""The keys of access tokens: the one that signs, and all that verify, by their ids.

`token-signing-key.pem` is the key that signs. What verifies is in `token-verification-key.pem`,
made together with the first signing key, and in `token-verification-key-<kid>.pem`, one for each
key that came later. A key's id is its thumbprint (RFC 7638).
"""

import json
import math
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatterroom.auth.secret_files import SecretsError, read_public, read_secret, write_secret

__all__ = [
    "VerificationKeys",
    "ensure_token_keys",
    "load_signing_key",
    "public_numbers",
    "retire_keys",
    "rotate_keys",
    "thumbprint",
]

SIGNING_KEY = "token-signing-key.pem"
VERIFICATION_KEY = "token-verification-key.pem"
LATER_KEYS = "token-verification-key-*.pem"
_REREAD_S = 1.0


def thumbprint(key: Ed25519PublicKey) -> str:
    """Return the id of a key: the SHA-256 thumbprint of RFC 7638, in base64url."""
    members = json.dumps(public_numbers(key), sort_keys=True, separators=(",", ":"))
    return _base64url(sha256(members.encode()).digest())


def public_numbers(key: Ed25519PublicKey) -> dict[str, str]:
    """Return the members of a JWK that make up a public key (RFC 8037)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}


def ensure_token_keys(directory: Path) -> None:
    """Create the first pair of keys where there is none."""
    if not (directory / SIGNING_KEY).exists():
        key = Ed25519PrivateKey.generate()
        write_secret(directory / VERIFICATION_KEY, _public_pem(key.public_key()))
        write_secret(directory / SIGNING_KEY, _private_pem(key))


def load_signing_key(directory: Path) -> Ed25519PrivateKey:
    """Read the key that signs access tokens. Raises `SecretsError`."""
    path = directory / SIGNING_KEY
    try:
        key = serialization.load_pem_private_key(read_secret(path), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretsError(f"{path} is not an Ed25519 private key in PEM")
    return key


def rotate_keys(directory: Path) -> str:
    """Put a new signing key in the place of the old one, and return its id.

    Tokens of the old key stay valid: what verifies them stays. Raises `SecretsError` where there
    is no signing key yet.
    """
    load_signing_key(directory)
    key = Ed25519PrivateKey.generate()
    kid = thumbprint(key.public_key())
    # First what verifies: nobody may meet a token that no file can verify.
    verification_key = directory / f"token-verification-key-{kid}.pem"
    write_secret(verification_key, _public_pem(key.public_key()))
    write_secret(directory / SIGNING_KEY, _private_pem(key))
    return kid


def retire_keys(directory: Path, older_than_s: float, now: float) -> list[str]:
    """Remove keys that have not signed for `older_than_s`, and return their ids.

    `now` is in seconds since 1970. The key that signs stays, whatever its age.
    """
    signing = thumbprint(load_signing_key(directory).public_key())
    paths = sorted(_verification_paths(directory), key=lambda path: path.stat().st_mtime)
    retired = []
    for path, successor in pairwise(paths):
        kid = thumbprint(_load_public_key(path))
        # A key has signed until the next one came.
        if kid != signing and now - successor.stat().st_mtime > older_than_s:
            retired.append((kid, path))
    for _, path in retired:
        path.unlink()
    return [kid for kid, _ in retired]


class VerificationKeys:
    """All keys that verify tokens. A key that is not known is looked for in the files again.

    What a token says of its key is compared with ids that are known, and used for nothing else.
    """

    def __init__(self, read: Callable[[], Mapping[str | None, Ed25519PublicKey]]) -> None:
        self._read = read
        self._keys = read()
        self._read_at = -math.inf

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the keys of a secrets directory. Raises `SecretsError`."""
        return cls(lambda: _load_all(directory))

    @classmethod
    def of(cls, *keys: Ed25519PublicKey) -> Self:
        """Return keys that never change; the first one is that of tokens that name none."""
        known: dict[str | None, Ed25519PublicKey] = {thumbprint(key): key for key in keys}
        return cls(lambda: known | {None: keys[0]})

    def find(self, kid: str | None) -> Ed25519PublicKey | None:
        """Return the key of an id; for None the first one, whose tokens once named no key."""
        if kid not in self._keys and kid is not None:
            self._reread()
        return self._keys.get(kid)

    def known(self) -> dict[str, Ed25519PublicKey]:
        """Return all keys by their ids, as they were a second ago or later."""
        self._reread()
        return {kid: key for kid, key in self._keys.items() if kid is not None}

    def _reread(self) -> None:
        """Read the files again, at most once a second: anybody can name unknown keys."""
        now = time.monotonic()
        if now - self._read_at < _REREAD_S:
            return
        self._read_at = now
        try:
            self._keys = self._read()
        except SecretsError:
            # The keys that are known go on; a start with such a directory would have failed.
            return


def _load_all(directory: Path) -> dict[str | None, Ed25519PublicKey]:
    paths = _verification_paths(directory)
    if not paths:
        read_public(directory / VERIFICATION_KEY)
    found: dict[str | None, Ed25519PublicKey] = {}
    for path in paths:
        key = _load_public_key(path)
        found[thumbprint(key)] = key
        if path.name == VERIFICATION_KEY:
            found[None] = key
    return found


def _verification_paths(directory: Path) -> list[Path]:
    first = directory / VERIFICATION_KEY
    return [*([first] if first.exists() else []), *sorted(directory.glob(LATER_KEYS))]


def _load_public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(read_public(path))
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SecretsError(f"{path} is not an Ed25519 public key in PEM")
    return key


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
