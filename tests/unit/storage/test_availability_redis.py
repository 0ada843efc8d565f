import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    DataError,
    InvalidResponse,
    MaxConnectionsError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chatterroom.core.errors import StorageUnavailableError
from chatterroom.storage.availability_redis import available


@pytest.mark.parametrize(
    "failure",
    [
        RedisConnectionError("reset"),
        RedisTimeoutError("no answer"),
        TimeoutError(),
        OSError("unreachable"),
        AuthenticationError("wrong password"),
        BusyLoadingError("loading"),
        MaxConnectionsError("too many"),
        OutOfMemoryError("full"),
        ReadOnlyError("a replica"),
        InvalidResponse("half an answer"),
        ResponseError("MISCONF the disk is full"),
        ResponseError("BUSY a script takes too long"),
    ],
    ids=lambda failure: f"{type(failure).__name__} {failure}",
)
def test_an_outage_is_storage_that_is_not_available(failure: Exception):
    with pytest.raises(StorageUnavailableError), available():
        raise failure


@pytest.mark.parametrize(
    "bug",
    [ResponseError("WRONGTYPE not a sorted set"), DataError("cannot encode"), KeyError("x")],
    ids=lambda bug: f"{type(bug).__name__} {bug}",
)
def test_a_bug_passes_as_what_it_is(bug: Exception):
    with pytest.raises(type(bug)), available():
        raise bug
