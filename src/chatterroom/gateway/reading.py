"""From the bytes of a request to typed values, or to the error that names what is wrong."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "BodyReader",
    "ClientGoneError",
    "expected_bytes",
    "listed",
    "read_body",
    "read_query",
]

StructType = TypeVar("StructType", bound=msgspec.Struct)

_MAX_QUERY_FIELDS = 50
_AT_FIELD = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_UNKNOWN = re.compile(r"contains unknown field `([^`]*)`")


class ClientGoneError(Exception):
    """The client has left before its request was complete; nobody waits for an answer."""


class BodyReader:
    """Turns JSON bodies into one struct."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self._decoder = msgspec.json.Decoder(struct)
        self._quoted_fields = [
            f'"{field.encode_name}"'.encode() for field in msgspec.structs.fields(struct)
        ]

    def decode(self, body: bytes) -> msgspec.Struct:
        """Return the struct, or raise MALFORMED_JSON or INVALID_REQUEST."""
        try:
            # msgspec does not look inside the strings of members it skips.
            body.decode()
            decoded: msgspec.Struct = self._decoder.decode(body)
            self._refuse_repeated_members(body)
            return decoded
        except msgspec.ValidationError as error:
            raise _invalid(str(error)) from None
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise ChatterRoomError(
                ErrorCode.MALFORMED_JSON, "The body is not valid JSON in UTF-8."
            ) from None

    def _refuse_repeated_members(self, body: bytes) -> None:
        """Two values of one name could be read as one by us and as the other by a filter."""
        suspicious = b"\\u" in body or any(body.count(name) > 1 for name in self._quoted_fields)
        if suspicious:
            json.loads(body, object_pairs_hook=_unique)


def expected_bytes(headers: Mapping[bytes, bytes], max_bytes: int) -> int:
    """Return how long a body that is read may be, before any of it is."""
    if b"transfer-encoding" in headers:
        return max_bytes
    return min(int(headers.get(b"content-length", b"0")), max_bytes)


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int) -> bytes:
    """Return the body of a JSON request.

    Raises UNSUPPORTED_MEDIA_TYPE before a byte is read and BODY_TOO_LARGE as soon as it is known;
    `ClientGoneError` where the client leaves.
    """
    _require_json(headers)
    if int(headers.get(b"content-length", b"0")) > max_bytes:
        raise _too_large(max_bytes)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
    else:
        body = await _gather(message, receive, max_bytes)
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


def read_query(query_string: bytes, struct: type[StructType]) -> StructType:
    """Return the query as a struct. Empty parameters count as absent, unknown ones as nothing."""
    if not query_string:
        return struct()
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), errors="strict", max_num_fields=_MAX_QUERY_FIELDS
        )
        return msgspec.convert(dict(pairs), struct, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except ValueError:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "The query string could not be decoded."
        ) from None


def listed(text: str) -> list[str]:
    """Return the items of a list separated by commas; empty ones are none."""
    return [item for item in map(str.strip, text.split(",")) if item]


async def _gather(message: Mapping[str, Any], receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message["body"])
        size += len(message["body"])
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def _require_json(headers: Mapping[bytes, bytes]) -> None:
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise ChatterRoomError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON, with Content-Type: application/json.",
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise ChatterRoomError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")


def _too_large(max_bytes: int) -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.BODY_TOO_LARGE,
        f"The body is larger than {max_bytes} bytes.",
        max_bytes=max_bytes,
    )


def _invalid(reason: str) -> ChatterRoomError:
    at = _AT_FIELD.search(reason)
    within = at.group(1) if at else ""
    said = reason[: at.start()] if at else reason
    missing = _MISSING.search(said)
    if missing:
        name = f"{within}.{missing.group(1)}" if within else missing.group(1)
        return ChatterRoomError(ErrorCode.INVALID_REQUEST, f"{name} is missing.", field=name)
    unknown = _UNKNOWN.search(said)
    if unknown:
        name = f"{within}.{unknown.group(1)}" if within else unknown.group(1)
        return ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"{name} is not a known field.", field=name
        )
    said = said[:1].lower() + said[1:]
    if within:
        return ChatterRoomError(ErrorCode.INVALID_REQUEST, f"{within}: {said}", field=within)
    return ChatterRoomError(ErrorCode.INVALID_REQUEST, f"The request could not be decoded: {said}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ChatterRoomError(
            ErrorCode.MALFORMED_JSON, "An object in the body has two members with the same name."
        )
    return members
