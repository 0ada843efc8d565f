"""The one place where broken rules become gRPC statuses, and the reverse."""

from typing import Any, NoReturn

import grpc
import grpc.aio
import msgspec

from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind

__all__ = ["abort_with", "error_from"]

# The code, the sentence and the data travel beside the status, in the trailing metadata.
_METADATA_KEY = "chatterroom-error-bin"

_STATUS = {
    ErrorKind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.METHOD_NOT_ALLOWED: grpc.StatusCode.UNIMPLEMENTED,
    ErrorKind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    ErrorKind.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNSUPPORTED_MEDIA: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorKind.INTERNAL: grpc.StatusCode.INTERNAL,
}


_CODES = {code.value: code for code in ErrorCode}


class _Carried(msgspec.Struct):
    code: str
    message: str
    data: dict[str, str | int | float]
    retry_after_s: float | None = None


async def abort_with(
    context: grpc.aio.ServicerContext[Any, Any], error: ChatterRoomError
) -> NoReturn:
    """End a call with the status of `error`, carrying its code and data."""
    carried = _Carried(error.code.value, error.message, error.data, error.retry_after_s)
    await context.abort(
        _STATUS[error.code.kind],
        error.message,
        ((_METADATA_KEY, msgspec.json.encode(carried)),),
    )


def error_from(failure: grpc.aio.AioRpcError) -> ChatterRoomError | None:
    """Return the error a service raised, or None where the call itself failed."""
    for key, value in failure.trailing_metadata() or ():
        if key == _METADATA_KEY and isinstance(value, bytes):
            carried = msgspec.json.decode(value, type=_Carried)
            return ChatterRoomError(
                # A newer service may know codes that this process does not.
                _CODES.get(carried.code, ErrorCode.INTERNAL),
                carried.message,
                retry_after_s=carried.retry_after_s,
                **carried.data,
            )
    return None
