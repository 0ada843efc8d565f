"""Refusals as HTTP answers tell them (RFC 9457), as the error that is raised for them."""

from http import HTTPStatus

import msgspec

from chatterroom.client.errors import ApiError

__all__ = ["problem"]


class _Problem(msgspec.Struct):
    code: str = ""
    detail: str = ""


_decode = msgspec.json.Decoder(_Problem).decode


def problem(status: int, body: bytes, retry_after: str | None) -> ApiError:
    """Return the error that an answer tells of, also where somebody else than us has answered."""
    try:
        told = _decode(body)
    except msgspec.DecodeError:
        told = _Problem()
    try:
        retry_after_s = None if retry_after is None else float(retry_after)
    except ValueError:  # a date is allowed, too
        retry_after_s = None
    code = told.code or f"http_{status}"
    return ApiError(code, told.detail or _phrase(status), status, retry_after_s)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
