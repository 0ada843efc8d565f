"""Every limit of one gateway: rates per address, user and email, open sockets, bytes in flight."""

from chatterroom.core.rate_limits import ConnectionLimit, Policy, RateLimiter
from chatterroom.gateway.in_flight import InFlight
from chatterroom.gateway.settings import GatewaySettings

__all__ = ["Limits"]


class Limits:
    """What the gateway counts, each by its own key."""

    def __init__(self, settings: GatewaySettings) -> None:
        s = settings
        self.address = RateLimiter(Policy("address", s.address_requests_per_s, s.address_burst))
        self.user = RateLimiter(Policy("user", s.user_requests_per_s, s.user_burst))
        self.user_response_bytes = RateLimiter(
            Policy(
                "response-bytes-per-user", s.user_response_bytes_per_s, s.user_response_bytes_burst
            )
        )
        self.credentials = RateLimiter(
            Policy("credentials", s.credentials_per_min / 60, s.credentials_burst)
        )
        self.user_credentials = RateLimiter(
            Policy(
                "credentials-per-user", s.user_credentials_per_min / 60, s.user_credentials_burst
            )
        )
        self.email = RateLimiter(
            Policy("email", s.email_attempts_per_min / 60, s.email_attempts_burst)
        )
        self.address_handshakes = RateLimiter(
            Policy("handshakes-per-address", s.address_handshakes_per_s, s.address_handshakes_burst)
        )
        self.user_handshakes = RateLimiter(
            Policy("handshakes-per-user", s.user_handshakes_per_s, s.user_handshakes_burst)
        )
        self.sockets_per_address = ConnectionLimit("sockets per address", s.max_sockets_per_address)
        self.sockets_per_user = ConnectionLimit("sockets per user", s.max_sockets_per_user)
        self.in_flight = InFlight(s)
