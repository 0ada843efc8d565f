"""The secrets directory: the keys of tokens (`token_keys.py`), and the credentials with which
services know each other.

Each service that calls others has a secret, for its own processes alone, which is never sent.
From it comes a credential for each service that it calls, so that what one is shown is of no use
at another. Those who are called know digests, which let nobody call.
"""

import hashlib
import hmac
import re
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
    "CALLED_SERVICES",
    "CALLING_SERVICES",
    "DISCOVERY",
    "GATEWAY",
    "KnownCredentials",
    "SecretsError",
    "ServiceCredential",
    "ServiceSecret",
    "ensure_secrets",
    "load_certificates",
    "load_known_credentials",
    "load_service_secret",
]

CREDENTIAL_DIGESTS = "service-credential-digests"

GATEWAY = "gateway"
DISCOVERY = "discovery"
# Discovery calls nobody, and nobody calls gateways.
CALLING_SERVICES = (GATEWAY, "users", "chat")
CALLED_SERVICES = ("users", "chat", DISCOVERY)


@dataclass(frozen=True)
class ServiceCredential:
    """What the calls of one service to one other carry. Never shown, not even by `repr`."""

    value: str = field(repr=False)
    certificates: Certificates | None = None
    """What its connections show besides; None where they are not encrypted."""

    @property
    def digest(self) -> str:
        """What those who are called know of it."""
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(frozen=True)
class ServiceSecret:
    """What the credentials of one service are made from. Never sent, never shown."""

    value: str = field(repr=False)
    certificates: Certificates | None = None
    """What its connections show besides; None where they are not encrypted."""

    def towards(self, called: str) -> ServiceCredential:
        """Return the credential for calls to a service. Nothing else can be told from it."""
        derived = hmac.new(self.value.encode(), called.encode(), hashlib.sha256)
        return ServiceCredential(derived.hexdigest(), self.certificates)


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


def load_service_secret(
    directory: Path, service: str, certificates: Certificates | None = None
) -> ServiceSecret:
    """Read the secret of a service that calls others. Raises `SecretsError`."""
    path = directory / _credential_file(service)
    value = read_secret(path).decode("ascii", "replace").strip()
    if len(value) < 32:
        raise SecretsError(f"{path} is shorter than 32 characters")
    return ServiceSecret(value, certificates)


def load_known_credentials(directory: Path, called: str) -> KnownCredentials:
    """Read the digests of the credentials for calls to a service. Raises `SecretsError`."""
    path = directory / CREDENTIAL_DIGESTS
    holders: dict[str, str] = {}
    for line in read_public(path).decode("ascii", "replace").splitlines():
        if not _is_digest_line(line):
            raise SecretsError(
                f"{path}: every line is a service that calls, one that is called and a SHA-256 "
                f"digest in hex. `chatterroom secrets {directory}` brings it up to date"
            )
        caller, for_service, digest = line.split(" ")
        if for_service == called:
            holders[digest] = caller
    if not holders:
        raise SecretsError(f"{path} has no line for calls to {called}")
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
    # Digests of earlier credentials stay, as their holders may still run; those of a version in
    # which secrets themselves were sent do not.
    path = directory / CREDENTIAL_DIGESTS
    lines = list(filter(_is_digest_line, _lines(path)))
    for caller in CALLING_SERVICES:
        secret = load_service_secret(directory, caller)
        for called in CALLED_SERVICES:
            line = f"{caller} {called} {secret.towards(called).digest}"
            if line not in lines:
                lines.append(line)
    write_secret(path, "".join(f"{line}\n" for line in lines).encode())


def _lines(path: Path) -> list[str]:
    return path.read_text("ascii", "replace").splitlines() if path.exists() else []


def _is_digest_line(line: str) -> bool:
    return re.fullmatch(r"[a-z]+ [a-z]+ [0-9a-f]{64}", line) is not None
