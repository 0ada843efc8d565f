"""Reading and writing one file of the secrets directory."""

import os
from pathlib import Path

__all__ = ["SecretsError", "read_secret", "write_secret"]


class SecretsError(Exception):
    """A secret is missing or unreadable; the message names its file, never its content."""


def read_secret(path: Path) -> bytes:
    """Return the content of a file, or raise `SecretsError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SecretsError(
            f"{path}: {reason}. `chatterroom secrets {path.parent}` creates it"
        ) from None


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, complete or not at all."""
    # A process that reads meanwhile must not see half a key.
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
