import traceback

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CursorNotFound,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from chatterroom.core.errors import ErrorCode, StorageUnavailableError
from chatterroom.storage.availability_mongo import StorageBugError, available

# As a primary answers that loses its majority while it waits for it.
LOST_MAJORITY = {
    "code": 11602,
    "codeName": "InterruptedDueToReplStateChange",
    "errmsg": "operation was interrupted",
    "errorLabels": ["RetryableWriteError"],
}


def bulk(**details) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [], "writeConcernErrors": [], **details})


@pytest.mark.parametrize(
    "failure",
    [
        AutoReconnect("connection reset"),
        NotPrimaryError("not primary"),
        ServerSelectionTimeoutError("no primary"),
        NetworkTimeout("no answer"),
        WaitQueueTimeoutError("no connection"),
        ExecutionTimeout("too long", 50),
        WTimeoutError("not replicated", 64),
        WriteConcernError("interrupted", 11602, LOST_MAJORITY),
        WriteConcernError("too few nodes", 100),
        CursorNotFound("the node has restarted", 43),
        OperationFailure("interrupted", 11602),
        OperationFailure("interrupted", 11601),
        OperationFailure("shutting down", 91),
        OperationFailure("the disk is full", 14031),
        OperationFailure("no more room in the cache", 365),
        OperationFailure("retry", 1, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("who knows", 1, {"errorLabels": ["UnknownTransactionCommitResult"]}),
        OperationFailure("overloaded", 1, {"errorLabels": ["SystemOverloadedError"]}),
        OperationFailure("stored, not confirmed", 1, {"writeConcernError": {"code": 11602}}),
        bulk(writeConcernErrors=[LOST_MAJORITY]),
        bulk(writeErrors=[{"index": 3, "code": 189}]),
    ],
    ids=lambda failure: f"{type(failure).__name__} {failure}"[:60],
)
def test_an_outage_is_storage_that_is_not_available(failure: PyMongoError):
    with pytest.raises(StorageUnavailableError) as raised, available():
        raise failure
    assert raised.value.code is ErrorCode.STORAGE_UNAVAILABLE
    assert raised.value.retry_after_s
    assert type(failure).__name__ in raised.value.reason


@pytest.mark.parametrize(
    "bug",
    [
        DocumentTooLarge("16 MiB"),
        InvalidDocument("cannot encode"),
        DuplicateKeyError("taken", 11000),
        WriteError("the document would be too large", 17419),
        OperationFailure("unknown operator", 2),
        OperationFailure("not authorized", 13),
        OperationFailure("validation failed", 121),
        bulk(writeErrors=[{"index": 0, "code": 121, "op": {"message": "secret"}}]),
        DuplicateKeyError("taken", 11000, {"keyValue": {"email_key": "secret"}}),
    ],
    ids=lambda bug: f"{type(bug).__name__} {bug}"[:60],
)
def test_a_bug_is_one_and_says_nothing_of_the_data(bug: Exception):
    with pytest.raises(StorageBugError) as raised, available():
        raise bug
    assert type(bug).__name__ in str(raised.value)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


def test_what_is_not_of_the_driver_passes():
    with pytest.raises(KeyError), available():
        raise KeyError("seq")
