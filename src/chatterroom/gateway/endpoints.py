"""What an endpoint is: the row of the table that routes, limits and documents it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar

import msgspec

from chatterroom.auth.tokens import TokenVerifier
from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import ClientId, UserId, new_id, parse_client_id
from chatterroom.gateway.answers import Answer
from chatterroom.gateway.backends_grpc import Services
from chatterroom.gateway.fields import Nothing
from chatterroom.gateway.sends import Sends
from chatterroom.rpc.identity import Caller

__all__ = ["Access", "Call", "Endpoint", "Handler", "Platform"]

Body = TypeVar("Body")
Query = TypeVar("Query")


class Access(Enum):
    """Who may ask, and which limits count it."""

    FREE = auto()
    """Anybody, uncounted: for those who watch over the process."""
    OPEN = auto()
    """Anybody, counted by address."""
    CREDENTIALS = auto()
    """Anybody, counted by address, and strictly where a secret may be guessed."""
    TOKEN = auto()
    """Who has an access token, counted by address and by user."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What handlers work with."""

    services: Services
    sends: Sends
    uptime_s: Callable[[], float]
    verifier: TokenVerifier
    timeout_demo_s: float


@dataclass(frozen=True, slots=True)
class Call(Generic[Body, Query]):
    """One request, read and admitted."""

    # What people write, and their tokens, must not reach a log by way of `repr`.
    body: Body = field(repr=False)
    query: Query = field(repr=False)
    path: Mapping[str, str]
    caller: Caller
    address: str
    headers: Mapping[bytes, bytes] = field(repr=False)

    @property
    def user_id(self) -> UserId:
        """The caller's id; for endpoints with `Access.TOKEN` only."""
        assert self.caller.user_id is not None  # noqa: S101 -- Access.TOKEN has seen to it
        return self.caller.user_id

    def client_id(self, given: str | None) -> ClientId:
        """Return the id that makes repeating this request harmless.

        The body's, else the header's, else a new one: then the gateway itself may repeat it.
        """
        if given is not None:
            return parse_client_id(given)
        header = self.headers.get(b"idempotency-key")
        if header is not None:
            # The header is a string of RFC 8941, but many clients send it bare.
            return parse_client_id(header.decode("latin-1").strip('"'), "Idempotency-Key")
        return ClientId(new_id())


Handler = Callable[[Call[Any, Any], Platform], Awaitable[msgspec.Struct | Answer]]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of one path. The handler's docstring is its documentation."""

    method: str
    path: str
    handler: Handler
    answer: type[msgspec.Struct] | None
    """None where the answer is no JSON but one of `media_types`."""
    access: Access = Access.TOKEN
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] = Nothing
    media_types: tuple[str, ...] = ()
    service: str | None = None
    """The service that is waited for: its share of requests is bounded."""
    counted_email: Callable[[Any], str] | None = None
    """Where attempts are also counted by an email: how to find it in the body."""
    takes_secret: bool = False
    """Whether a user who is logged in gives a password or code again: counted as strictly as
    logins, by address and by user."""
    errors: tuple[ErrorCode, ...] = ()
    """What the service may refuse, beside what every endpoint of this shape can."""
    other_answers: Mapping[int, type[msgspec.Struct]] = field(default_factory=dict)
    """Answers with another status that are no problems."""
    concurrency: int | None = None
    """Its own limit, where it is not the one of the settings."""
    is_health_check: bool = False
    """Whether it is answered also where the gateway has all the connections it can take."""
    repeatable: bool = False
    """Whether it takes a client id."""
