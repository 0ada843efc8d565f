"""The secrets directory: the keys of tokens (`token_keys.py`), and the credentials with which
services know each other.

A credential is for the processes of one service alone, as `token-signing-key.pem` is for the user
service's. Those who are called know digests, which let nobody call.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatterroom.auth.certificates import KEY, Certificates
from chatterroom.auth.secret_files import (
    SecretsError,
    private_directory,
    read_public,
    read_secret,
    require_private,
    write_secret,
)
from chatterroom.auth.token_keys import ensure_token_keys

__all__ = [
    "CALLING_SERVICES",
    "GATEWAY",
    "KnownCredentials",
    "SecretsError",
    "ServiceCredential",
    "ensure_secrets",
    "load_certificates",
    "load_known_credentials",
    "load_service_credential",
]

CREDENTIAL_DIGESTS = "service-credential-digests"

GATEWAY = "gateway"
# Discovery calls nobody.
CALLING_SERVICES = (GATEWAY, "users", "chat")


@dataclass(frozen=True)
class ServiceCredential:
    """What the calls of one service carry. Never shown, not even by `repr`."""

    value: str = field(repr=False)
    certificates: Certificates | None = None
    """What its connections show besides; None where they are not encrypted."""

    @property
    def digest(self) -> str:
        """What those who are called know of it."""
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(frozen=True)
class KnownCredentials:
    """Which service holds the credential of a digest. A service may have several meanwhile."""

    holders: Mapping[str, str]

    def holder(self, offered: str) -> str | None:
        """Return the service whose credential this is, or None where it is nobody's."""
        # Looking up a digest tells by its time nothing that helps to guess what it is of.
        return self.holders.get(ServiceCredential(offered).digest)


def ensure_secrets(directory: Path) -> bool:
    """Create the secrets that do not exist yet, readable by the owner only.

    Closes the directory and its files to others, and says whether they were open. Raises
    `SecretsError`, also where others own something there.
    """
    was_open = private_directory(directory)
    ensure_token_keys(directory)
    for service in CALLING_SERVICES:
        if not (directory / _credential_file(service)).exists():
            write_secret(directory / _credential_file(service), secrets.token_urlsafe(32).encode())
    _ensure_digests(directory)
    return was_open


def load_service_credential(
    directory: Path, service: str, certificates: Certificates | None = None
) -> ServiceCredential:
    """Read the credential that a service shows when it calls others. Raises `SecretsError`."""
    path = directory / _credential_file(service)
    value = read_secret(path).decode("ascii", "replace").strip()
    if len(value) < 32:
        raise SecretsError(f"{path} is shorter than 32 characters")
    return ServiceCredential(value, certificates)


def load_known_credentials(directory: Path) -> KnownCredentials:
    """Read the digests of the credentials that a service accepts. Raises `SecretsError`."""
    path = directory / CREDENTIAL_DIGESTS
    holders: dict[str, str] = {}
    for line in read_public(path).decode("ascii", "replace").splitlines():
        service, _, digest = line.partition(" ")
        if len(digest) != 64:
            raise SecretsError(f"{path}: every line is a service and a SHA-256 digest in hex")
        holders[digest] = service
    if not holders:
        raise SecretsError(f"{path} is empty")
    return KnownCredentials(holders)


def load_certificates(directory: str, service: str) -> Certificates | None:
    """Read the certificates of a process, None where it has no directory of them.

    Raises `SecretsError`, also where they are not for this service.
    """
    if not directory:
        return None
    try:
        found = Certificates.read(Path(directory))
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SecretsError(f"{error.filename or directory}: {reason}") from None
    except ValueError as error:
        raise SecretsError(str(error)) from None
    require_private(Path(directory) / KEY)
    if service not in found.names:
        raise SecretsError(f"the certificate in {directory} does not name {service}")
    return found


def _credential_file(service: str) -> str:
    return f"{service}-credential"


def _ensure_digests(directory: Path) -> None:
    # Digests of earlier credentials stay: their holders may still run.
    path = directory / CREDENTIAL_DIGESTS
    lines = path.read_text().splitlines() if path.exists() else []
    for service in CALLING_SERVICES:
        line = f"{service} {load_service_credential(directory, service).digest}"
        if line not in lines:
            lines.append(line)
    write_secret(path, "".join(f"{line}\n" for line in lines).encode())
