"""The one place where failures become HTTP answers: RFC 9457 problem details.

What is unexpected is logged once with its trace and answered with nothing but `internal`.
"""

from http import HTTPStatus
from math import ceil

import msgspec
import structlog
from starlette.exceptions import HTTPException

from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind, internal_error
from chatterroom.gateway.answers import Answer, Header

__all__ = ["STATUS", "Problem", "answer_to", "problem", "status_of"]

log = structlog.get_logger()

STATUS = {
    ErrorKind.INVALID: HTTPStatus.BAD_REQUEST,
    ErrorKind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ErrorKind.UNSUPPORTED_MEDIA: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ErrorKind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorKind.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorKind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}

PROBLEM_JSON = b"application/problem+json"
_encoder = msgspec.json.Encoder()


class Problem(msgspec.Struct):
    """What went wrong (RFC 9457). Further members, such as `field`, depend on the code."""

    type: str
    """Always `about:blank`: `code` tells problems apart."""
    title: str
    """The HTTP status in words."""
    status: int
    detail: str
    """A sentence for a person; it may change."""
    code: str
    """A stable name to match on."""


def answer_to(error: Exception) -> Answer:
    """Return the answer to whatever a request ended with."""
    if isinstance(error, HTTPException):
        return _from_the_router(error)
    if not isinstance(error, ChatterRoomError):
        log.error("request_failed", exc_info=error)
        return problem(internal_error())
    if error.code is ErrorCode.SERVICE_CREDENTIAL_INVALID:
        # A service does not know this gateway; the client's own token is not to blame.
        log.error("service_credential_refused")
        return problem(internal_error())
    return problem(error)


def problem(
    error: ChatterRoomError, status: HTTPStatus | None = None, headers: tuple[Header, ...] = ()
) -> Answer:
    """Return the problem that tells of a broken rule."""
    status = status or status_of(error.code)
    told = Problem("about:blank", status.phrase, status.value, error.message, error.code.value)
    members = msgspec.to_builtins(told)
    body = _encoder.encode({**members, **error.data, **members})
    retry_after_s = error.retry_after_s
    if retry_after_s is None and error.code.kind is ErrorKind.UNAVAILABLE:
        retry_after_s = 1.0
    if retry_after_s is not None:
        headers += ((b"retry-after", b"%d" % max(1, ceil(retry_after_s))),)
    if error.code.kind is ErrorKind.UNAUTHENTICATED:
        headers += ((b"www-authenticate", b'Bearer realm="chatterroom"'),)
    return Answer(status.value, body, PROBLEM_JSON, headers)


def status_of(code: ErrorCode) -> HTTPStatus:
    """Return the status that goes with a code."""
    return STATUS[code.kind]


def _from_the_router(error: HTTPException) -> Answer:
    headers = tuple(
        (name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()
    )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        known = ChatterRoomError(
            ErrorCode.METHOD_NOT_ALLOWED,
            "This path does not support this method. See the Allow header.",
        )
    else:
        known = ChatterRoomError(ErrorCode.NOT_FOUND, "There is nothing at this path.")
    return problem(known, headers=headers)
