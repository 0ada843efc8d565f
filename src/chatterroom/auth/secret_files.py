"""Files of secrets, and their directories: reading and writing them, and who may open them."""

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = [
    "SecretsError",
    "close_directory",
    "private_directory",
    "read_public",
    "read_secret",
    "require_private",
    "were_open",
    "write_secret",
]

_OPEN_TO_OTHERS = 0o077
_WRITABLE_BY_OTHERS = 0o022


class SecretsError(Exception):
    """A secret is missing or unreadable; the message names its file, never its content."""


def read_secret(path: Path) -> bytes:
    """Return the content of a file, or raise `SecretsError`, also if others may open it.

    Its group may read it: orchestrators give files to processes that way.
    """
    require_private(path)
    return _content(path)


def read_public(path: Path) -> bytes:
    """Return the content of a file that is no secret but that others must not have written."""
    _require(path, _WRITABLE_BY_OTHERS, "written")
    return _content(path)


def require_private(path: Path) -> None:
    """Raise `SecretsError` if others may read or write a file, or its group may write it."""
    _require(path, _WRITABLE_BY_OTHERS | stat.S_IROTH, "opened")


def private_directory(path: Path) -> bool:
    """Make a directory for its owner alone, with all files in it; say whether it was open before.

    One that exists is closed to others. Raises `SecretsError` if it, or a file in it, is a
    symbolic link or another user's.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    was_open = close_directory(path)
    for each in sorted(path.iterdir()):
        if not stat.S_ISDIR(each.lstat().st_mode):
            was_open = _close_to_others(each, 0o600) or was_open
    return was_open


def close_directory(path: Path) -> bool:
    """Close a directory to others; say whether it was open.

    Raises `SecretsError` if it is a symbolic link or another user's.
    """
    return _close_to_others(path, 0o700)


def were_open(directory: Path) -> str:
    """Return what to say of secrets that were found open to others."""
    return (
        f"{directory} was open to other users and is closed now. If one of them may have read it, "
        "replace its secrets."
    )


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, complete or not at all."""
    # A process that reads meanwhile must not see half a key.
    scratch = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        scratch.unlink()
    # Whatever lies there by now is not ours, and is not followed.
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _require(path: Path, forbidden: int, done: str) -> None:
    try:
        mode = path.stat().st_mode
        around = path.parent.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from None
    if mode & forbidden:
        raise SecretsError(f"{path} can be {done} by other users. Close it: chmod 600 {path}")
    # In a sticky directory nobody replaces a file of another user.
    if around & _WRITABLE_BY_OTHERS and not around & stat.S_ISVTX:
        raise SecretsError(
            f"{path.parent} can be written by other users. Close it: chmod 700 {path.parent}"
        )


def _close_to_others(path: Path, mode: int) -> bool:
    """Give a file or directory of ours a mode; say whether it was open to others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise SecretsError(f"{path} is a symbolic link. Name the place itself.") from None
        raise _unreadable(path, error) from None
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise SecretsError(f"{path} belongs to another user. Run this as its owner.")
        if not found.st_mode & _OPEN_TO_OTHERS:
            return False
        os.fchmod(descriptor, mode)
        return True
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> SecretsError:
    reason = error.strerror or "unreadable"
    return SecretsError(f"{path}: {reason}. `chatterroom secrets {path.parent}` creates it")
