"""A secret that is made on first use and kept in a file for its owner alone."""

import os
import secrets
from pathlib import Path

__all__ = ["kept_secret"]

_BYTES = 32


def kept_secret(path: Path) -> str:
    """Return the secret in the file: 64 hexadecimal digits, made where the file is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_BYTES))
        file.flush()
        os.fsync(file.fileno())
    # Complete or absent: the next start must not find half a secret.
    scratch.replace(path)
    return path.read_text()
