"""What a gateway is told: where it listens, whom it trusts, how much it lets through."""

from typing import Annotated

import msgspec

from chatterroom.process import ServiceSettings, split_urls

__all__ = ["GatewaySettings"]

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Rate = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Cap = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class GatewaySettings(ServiceSettings, frozen=True, kw_only=True):
    """Rates and caps of 0 are off."""

    port: Port = 8080

    allowed_origins: str = ""
    """Origins, separated by commas, whose pages may open sockets beside the gateway's own."""
    trusted_proxies: str = ""
    """Networks (CIDR), separated by commas, whose X-Forwarded-For is believed."""

    max_connections: Cap | None = None
    """Connections of clients; a relayed socket counts twice. None: what the limit on file
    descriptors allows."""
    max_connections_per_address: Cap = 2500
    """Connections from one address; those of trusted proxies are not counted."""
    reserved_connections: Cap = 64
    """Connections above these limits that get one request answered, if it is a health check."""

    max_body_bytes: Count = 64 * 1024
    request_timeout_s: Seconds = 10.0
    """How long a client may take to send one request, or to finish a WebSocket handshake."""
    slow_reader_s: Seconds = 30.0
    """How long a client that is behind may take next to nothing of what is sent to it."""
    max_response_bytes: Count = 8 * 1024 * 1024
    """A longer response is not sent; the client is asked to ask for less."""
    max_bytes_in_flight_per_address: Cap = 32 * 1024 * 1024
    """Bodies of requests under way, and what is not taken of responses and relayed frames."""
    max_bytes_in_flight_per_user: Cap = 8 * 1024 * 1024
    call_timeout_s: Seconds = 4.0
    """How long a service may take to answer, retries included."""
    timeout_demo_s: Seconds = 2.0
    """How long `GET /timeout` waits."""

    address_requests_per_s: Rate = 400.0
    address_burst: Count = 2000
    user_requests_per_s: Rate = 100.0
    user_burst: Count = 500
    user_response_bytes_per_s: Rate = 2 * 1024 * 1024
    """What one user may read: large pages cost more than small ones."""
    user_response_bytes_burst: Count = 16 * 1024 * 1024
    credentials_per_min: Rate = 60.0
    """From one address: registrations, logins, and passwords or codes that are given again."""
    credentials_burst: Count = 120
    user_credentials_per_min: Rate = 10.0
    """Passwords and codes that a user who is logged in gives again."""
    user_credentials_burst: Count = 20
    email_attempts_per_min: Rate = 10.0
    """Registrations and logins with one email, from wherever they come."""
    email_attempts_burst: Count = 20
    address_handshakes_per_s: Rate = 50.0
    address_handshakes_burst: Count = 500
    user_handshakes_per_s: Rate = 5.0
    user_handshakes_burst: Count = 50
    max_sockets_per_address: Cap = 2000
    max_sockets_per_user: Cap = 64

    endpoint_concurrency: Count = 512
    """Requests that one endpoint works on at a time."""
    service_concurrency: Count = 1024
    """Requests that wait for one service at a time."""
    concurrency_wait_s: Seconds = 0.5
    """How long a request waits for its turn before it is answered with 503."""
    concurrency_waiters: Cap = 1024
    """How many requests wait for their turn at one limit."""

    max_open_sends: Count = 4096
    """Messages that are on their way to the chat service at a time; more are answered with 503."""

    @property
    def origins(self) -> frozenset[str]:
        """The allowed origins as a set."""
        return frozenset(split_urls(self.allowed_origins))
