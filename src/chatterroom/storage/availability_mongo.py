"""Which failures of MongoDB are outages, to be retried, and which are bugs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    CursorNotFound,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from chatterroom.core.errors import StorageUnavailableError

__all__ = ["StorageBugError", "available", "is_outage"]


class StorageBugError(Exception):
    """What was asked of MongoDB can never be done. Says nothing of the data: it is logged, and what
    the driver says holds messages and email addresses."""


# With one of these the server says itself that a repeat can succeed, or that it does not know
# whether a transaction was committed.
_LABELS = (
    "RetryableWriteError",
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableError",
    "SystemOverloadedError",
)

# From mongo/base/error_codes.yml: what a server answers that is not primary, is shutting down or
# starting, loses its network, interrupts an operation, runs into a time limit or another
# operation, or has no room for now. Older servers send some of these without a label.
_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        18,  # AuthenticationFailed: also from a node that cannot read its users yet
        24,  # LockTimeout
        46,  # LockBusy
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        74,  # NodeNotFound
        75,  # WriteConcernLegacyOK
        79,  # UnknownReplWriteConcern
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        94,  # NotYetInitialized
        95,  # NotSecondary
        100,  # UnsatisfiableWriteConcern
        107,  # LockFailed
        109,  # ConfigurationInProgress
        112,  # WriteConflict
        117,  # ConflictingOperationInProgress
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        175,  # QueryPlanKilled
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        216,  # ElectionInProgress
        225,  # TransactionTooOld
        237,  # CursorKilled
        239,  # SnapshotTooOld
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        276,  # IndexBuildAborted
        279,  # ClientDisconnect
        281,  # TransactionCoordinatorSteppingDown
        290,  # TransactionExceededLifetimeLimitSeconds
        355,  # InterruptedDueToStorageChange
        365,  # TemporarilyUnavailable
        371,  # UserWritesBlocked
        391,  # ReauthenticationRequired
        402,  # ResourceExhausted
        407,  # PooledConnectionAcquisitionExceededTimeLimit
        433,  # AdmissionQueueOverflow
        449,  # RateLimitExceeded
        450,  # PooledConnectionAcquisitionRejected
        462,  # IngressRequestRateLimitExceeded
        9001,  # SocketException
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
        46841,  # ClientMarkedKilled
        91331,  # RetriableRemoteCommandFailure
        10045600,  # InterruptedDueToFCVChange
    }
)


@contextmanager
def available() -> Iterator[None]:
    """Raise `StorageUnavailableError` for an outage; what was to be written may be stored then.

    Raise `StorageBugError` for all else that MongoDB or its driver refuses, such as a wrong query
    or a document that is too large.
    """
    try:
        yield
    except (PyMongoError, BSONError) as error:
        if isinstance(error, PyMongoError) and is_outage(error):
            raise StorageUnavailableError(_reason(error)) from None
        raise StorageBugError(_reason(error)).with_traceback(error.__traceback__) from None


def is_outage(error: PyMongoError) -> bool:
    """Say whether the same request can succeed later, or may have succeeded already."""
    if isinstance(error, ConnectionFailure | WriteConcernError | CursorNotFound) or error.timeout:
        return True
    if any(error.has_error_label(label) for label in _LABELS):
        return True
    if isinstance(error, BulkWriteError):
        failures = error.details.get("writeErrors", [])
        unconfirmed = bool(error.details.get("writeConcernErrors"))
        return unconfirmed or any(_code(failure) in _CODES for failure in failures)
    return isinstance(error, OperationFailure) and (
        error.code in _CODES or _code((error.details or {}).get("writeConcernError")) in _CODES
    )


def _code(failure: Mapping[str, Any] | None) -> int | None:
    return failure.get("code") if failure else None


def _reason(error: Exception) -> str:
    code = error.code if isinstance(error, OperationFailure) else None
    if isinstance(error, BulkWriteError):
        failures = error.details.get("writeErrors") or error.details.get("writeConcernErrors") or []
        code = _code(failures[0]) if failures else code
    return f"{type(error).__name__} {code}" if code is not None else type(error).__name__
