"""What MongoDB's failures are to the chat service."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import PyMongoError

from chatterroom.chat.log import StorageUnavailableError

__all__ = ["available"]


@contextmanager
def available() -> Iterator[None]:
    """Raise `StorageUnavailableError` for every failure of the driver."""
    try:
        yield
    except PyMongoError as error:
        raise StorageUnavailableError(type(error).__name__) from error
