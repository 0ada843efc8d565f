"""A secret that is made on first use and kept in a file for its owner alone."""

import secrets
from pathlib import Path

from chatterroom.auth.secret_files import private_directory, write_secret

__all__ = ["kept_secret"]

_BYTES = 32


def kept_secret(path: Path) -> str:
    """Return the secret in the file: 64 hexadecimal digits, made where the file is missing.

    Raises `SecretsError` if the file or its directory is another user's.
    """
    private_directory(path.parent)
    if not path.exists():
        write_secret(path, secrets.token_hex(_BYTES).encode())
    return path.read_text().strip()
