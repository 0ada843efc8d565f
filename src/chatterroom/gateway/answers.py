"""HTTP answers: what every one of them carries, and the two ways they are sent."""

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Send

__all__ = ["Answer", "Header", "json_answer"]

Header = tuple[bytes, bytes]

JSON = b"application/json"
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# For answers that are data: no browser may run, frame or keep them.
_DATA_ONLY: tuple[Header, ...] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `policy` holds the headers that data must not be sent without."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    policy: tuple[Header, ...] = field(default=_DATA_ONLY)

    def with_headers(self, more: tuple[Header, ...]) -> "Answer":
        """Return the same answer with further headers."""
        return replace(self, headers=self.headers + more)

    async def send(self, send: Send) -> None:
        """Send it the ASGI way."""
        await send(
            {"type": "http.response.start", "status": self.status, "headers": self._all_headers()}
        )
        await send({"type": "http.response.body", "body": self.body})

    def as_last_words(self) -> bytes:
        """Return the bytes of it on a connection that is closed afterwards."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self._all_headers()]
        return b"\r\n".join([*lines, b"connection: close", b"", self.body])

    def _all_headers(self) -> list[Header]:
        length = (b"content-length", b"%d" % len(self.body))
        return [
            (b"content-type", self.content_type),
            # Of a 304 it would be the length of what is not sent (RFC 9110, section 8.6).
            *(() if self.status == HTTPStatus.NOT_MODIFIED else (length,)),
            *_ALWAYS,
            *self.policy,
            *self.headers,
        ]


def json_answer(value: Any, status: int = 200) -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, _encoder.encode(value))
