"""Which failures of Redis are outages, to be retried, and which are bugs."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    ClusterDownError,
    InvalidResponse,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chatterroom.core.errors import StorageUnavailableError

__all__ = ["available", "is_outage"]

_OUTAGES = (
    OSError,
    TimeoutError,
    RedisConnectionError,
    RedisTimeoutError,
    # What a connection says that broke in the middle of an answer.
    InvalidResponse,
    # Full, a replica, without a primary, or restarted since the script was sent.
    OutOfMemoryError,
    ReadOnlyError,
    ClusterDownError,
    TryAgainError,
    NoScriptError,
)
# Answers that redis-py has no class for: the disk is full, a script takes too long, it is loading.
_REFUSALS = ("MISCONF", "BUSY", "LOADING", "NOREPLICAS", "UNBLOCKED")


@contextmanager
def available() -> Iterator[None]:
    """Raise `StorageUnavailableError` for an outage. All else passes: it is a bug."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        if not is_outage(error):
            raise
        raise StorageUnavailableError(type(error).__name__) from error


def is_outage(error: Exception) -> bool:
    """Say whether the same request can succeed later."""
    if isinstance(error, _OUTAGES):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(_REFUSALS)
