"""What all stores of the user service share: how failures of MongoDB are told."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError, WTimeoutError

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = ["translated"]

log = structlog.get_logger()

_RETRY_AFTER_S = 1.0


@contextmanager
def translated() -> Iterator[None]:
    """Raise STORAGE_UNAVAILABLE where MongoDB is away."""
    try:
        yield
    except PyMongoError as error:
        away = isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError)
        if not away and not error.timeout:
            raise
        log.warning("storage_unavailable", reason=type(error).__name__)
        raise ChatterRoomError(
            ErrorCode.STORAGE_UNAVAILABLE,
            "accounts cannot be read or changed at the moment; try again",
            retry_after_s=_RETRY_AFTER_S,
        ) from None
