"""What every request passes on its way to a handler: limits, identity, reading, a place."""

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.rate_limits import RateLimitUsage
from chatterroom.gateway.addresses import counted_as
from chatterroom.gateway.admission import Admission
from chatterroom.gateway.answers import Answer, json_answer
from chatterroom.gateway.concurrency import Gate
from chatterroom.gateway.endpoints import Access, Call, Endpoint, Platform
from chatterroom.gateway.in_flight import HOLDER, Holder
from chatterroom.gateway.reading import BodyReader, expected_bytes, read_body, read_query
from chatterroom.rpc.identity import SERVICE, Caller

__all__ = ["RATE_LIMIT_USAGE", "ServedEndpoint"]

log = structlog.get_logger()

_NOTHING_HELD = nullcontext()
# Scope key: lets the error handler add the RateLimit headers.
RATE_LIMIT_USAGE = "chatterroom.rate_limit_usage"


class ServedEndpoint:
    """One endpoint as an ASGI application. What it raises, its caller answers."""

    def __init__(
        self,
        endpoint: Endpoint,
        platform: Platform,
        admission: Admission,
        gate: Gate,
        service_gate: AbstractAsyncContextManager[None],
    ) -> None:
        self._endpoint = endpoint
        self._platform = platform
        self._admission = admission
        self._gate = gate
        self._service_gate = service_gate
        self._reader = BodyReader(endpoint.body) if endpoint.body else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit, read, handle and answer one request."""
        usage = scope[RATE_LIMIT_USAGE] = RateLimitUsage()
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        address = self._address(scope, headers)
        caller = self._admit(address, headers, usage)
        holder = scope[HOLDER] = Holder(counted_as(address), caller.user_id or "")
        with self._holding(holder, headers):
            body: msgspec.Struct | None = None
            if self._reader is not None:
                raw = await read_body(receive, headers, self._admission.max_body_bytes)
                body = self._reader.decode(raw)
            self._count_email(body, address, usage)
            query = read_query(scope["query_string"], self._endpoint.query)
            call = Call(body, query, scope["path_params"], caller, address, headers)
            answer = await self._handle(call)
        self._require_sendable(answer)
        if caller.user_id is not None:
            self._admission.limits.user_response_bytes.charge(
                caller.user_id, time.monotonic(), len(answer.body)
            )
        await answer.with_headers(usage.headers()).send(send)

    def _holding(
        self, holder: Holder, headers: Mapping[bytes, bytes]
    ) -> AbstractContextManager[None]:
        """Hold room for the body before it is read. Raises RATE_LIMITED."""
        in_flight = self._admission.limits.in_flight
        if self._endpoint.access is Access.FREE:
            return _NOTHING_HELD
        if self._reader is None:
            # Whoever does not take what they have asked for gets nothing more.
            in_flight.check(holder)
            return _NOTHING_HELD
        return in_flight.holding(holder, expected_bytes(headers, self._admission.max_body_bytes))

    def _require_sendable(self, answer: Answer) -> None:
        if len(answer.body) > self._admission.max_response_bytes:
            log.error(
                "response_too_large", path=self._endpoint.path, response_bytes=len(answer.body)
            )
            raise ChatterRoomError(
                ErrorCode.RESPONSE_TOO_LARGE, "The response is too large. Ask for less at a time."
            )

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        peer = scope["client"][0] if scope["client"] else ""
        if b"x-forwarded-for" not in headers:
            return self._admission.addresses.address_of(peer, "")
        lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._admission.addresses.address_of(peer, b",".join(lines).decode("latin-1"))

    def _admit(self, address: str, headers: Mapping[bytes, bytes], usage: RateLimitUsage) -> Caller:
        access, limits = self._endpoint.access, self._admission.limits
        if access is Access.FREE:
            return SERVICE
        now = time.monotonic()
        counted = counted_as(address)
        limits.address.spend(counted, now, usage)
        if access is Access.CREDENTIALS:
            limits.credentials.spend(counted, now, usage)
        if access is not Access.TOKEN:
            return SERVICE
        caller = self._admission.identities.caller(headers)
        limits.user.spend(caller.user_id or "", now, usage)
        limits.user_response_bytes.spend(caller.user_id or "", now, cost=0)
        if self._endpoint.takes_secret:
            limits.user_credentials.spend(caller.user_id or "", now, usage)
            limits.credentials.spend(counted, now, usage)
        return caller

    def _count_email(
        self, body: msgspec.Struct | None, address: str, usage: RateLimitUsage
    ) -> None:
        if self._endpoint.counted_email is not None:
            # Not by the email alone: else whoever guesses at an account would lock its owner out.
            # What comes from everywhere, the user service counts.
            email = self._endpoint.counted_email(body)
            key = f"{counted_as(address)} {email}"
            self._admission.limits.email.spend(key, time.monotonic(), usage)

    async def _handle(self, call: Call[msgspec.Struct | None, msgspec.Struct]) -> Answer:
        async with self._gate, self._service_gate:
            answer = await self._endpoint.handler(call, self._platform)
        return answer if isinstance(answer, Answer) else json_answer(answer)
