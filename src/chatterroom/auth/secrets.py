"""The secrets directory: the key that signs tokens, the keys that verify them, the credential
with which services know each other.

`token-signing-key.pem` is for the user service alone; the other two every process reads.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "SecretsError",
    "ServiceCredential",
    "ensure_secrets",
    "load_service_credential",
    "load_signing_key",
    "load_verification_key",
]

SIGNING_KEY = "token-signing-key.pem"
VERIFICATION_KEY = "token-verification-key.pem"
SERVICE_CREDENTIAL = "service-credential"


class SecretsError(Exception):
    """A secret is missing or unreadable; the message names its file, never its content."""


@dataclass(frozen=True)
class ServiceCredential:
    """What a call between services must carry. Never shown, not even by `repr`."""

    value: str = field(repr=False)

    def matches(self, offered: str) -> bool:
        """Compare in a time that tells nothing about the secret."""
        return secrets.compare_digest(self.value.encode(), offered.encode())


def ensure_secrets(directory: Path) -> None:
    """Create the secrets that do not exist yet, readable by the owner only."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (directory / SIGNING_KEY).exists():
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(directory / VERIFICATION_KEY, public)
        _write(directory / SIGNING_KEY, private)
    if not (directory / SERVICE_CREDENTIAL).exists():
        _write(directory / SERVICE_CREDENTIAL, secrets.token_urlsafe(32).encode())


def load_signing_key(directory: Path) -> Ed25519PrivateKey:
    """Read the key that signs access tokens. Raises `SecretsError`."""
    path = directory / SIGNING_KEY
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretsError(f"{path} is not an Ed25519 private key in PEM")
    return key


def load_verification_key(directory: Path) -> Ed25519PublicKey:
    """Read the key that verifies access tokens. Raises `SecretsError`."""
    path = directory / VERIFICATION_KEY
    try:
        key = serialization.load_pem_public_key(_read(path))
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SecretsError(f"{path} is not an Ed25519 public key in PEM")
    return key


def load_service_credential(directory: Path) -> ServiceCredential:
    """Read the credential that services share. Raises `SecretsError`."""
    path = directory / SERVICE_CREDENTIAL
    value = _read(path).decode("ascii", "replace").strip()
    if len(value) < 32:
        raise SecretsError(f"{path} is shorter than 32 characters")
    return ServiceCredential(value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SecretsError(
            f"{path}: {reason}. `chatterroom secrets {path.parent}` creates it"
        ) from None


def _write(path: Path, content: bytes) -> None:
    # Complete or absent: a process that starts meanwhile must not read half a key.
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
