"""What of the secrets each process gets, where processes do not share a machine's directory."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from chatterroom.auth.secret_files import private_directory, write_secret
from chatterroom.auth.secrets import CREDENTIAL_DIGESTS, ensure_secrets
from chatterroom.auth.token_keys import LATER_KEYS, SIGNING_KEY, VERIFICATION_KEY

__all__ = ["SHARES", "share_secrets"]

# For each holder: the name of each file there, and its name among all secrets.
SHARES: Mapping[str, Mapping[str, str]] = {
    "gateway": {
        "gateway-credential": "gateway-credential",
        VERIFICATION_KEY: VERIFICATION_KEY,
    },
    "users": {
        "users-credential": "users-credential",
        CREDENTIAL_DIGESTS: CREDENTIAL_DIGESTS,
        SIGNING_KEY: SIGNING_KEY,
        VERIFICATION_KEY: VERIFICATION_KEY,
        "mongo-password": "users-mongo-password",
        "redis-password": "redis-password",
    },
    "chat": {
        "chat-credential": "chat-credential",
        CREDENTIAL_DIGESTS: CREDENTIAL_DIGESTS,
        VERIFICATION_KEY: VERIFICATION_KEY,
        "mongo-password": "chat-mongo-password",
        "redis-password": "redis-password",
    },
    "discovery": {
        CREDENTIAL_DIGESTS: CREDENTIAL_DIGESTS,
        "redis-password": "discovery-redis-password",
    },
    "users-mongo": {
        "mongo-password": "users-mongo-password",
        "mongo-key-file": "users-mongo-key-file",
    },
    "chat-mongo": {
        "mongo-password": "chat-mongo-password",
        "mongo-key-file": "chat-mongo-key-file",
    },
    "redis": {"redis-password": "redis-password"},
    "discovery-redis": {"redis-password": "discovery-redis-password"},
}


def share_secrets(directory: Path, shares: Path) -> bool:
    """Create what is missing in `directory`, and give every holder its own in `shares`.

    Says whether one of these directories was open to others, and closes it.
    """
    was_open = ensure_secrets(directory)
    for holder, files in SHARES.items():
        was_open = private_directory(shares / holder) or was_open
        for name, source in files.items():
            if not (directory / source).exists():
                # Databases take hexadecimal digits everywhere, in URLs and in key files.
                write_secret(directory / source, secrets.token_hex(32).encode())
            write_secret(shares / holder / name, (directory / source).read_bytes())
        if VERIFICATION_KEY in files:
            _share_later_keys(directory, shares / holder)
    return was_open


def _share_later_keys(directory: Path, share: Path) -> None:
    current = {path.name: path.read_bytes() for path in directory.glob(LATER_KEYS)}
    for name, content in current.items():
        write_secret(share / name, content)
    for path in share.glob(LATER_KEYS):
        if path.name not in current:
            path.unlink()
