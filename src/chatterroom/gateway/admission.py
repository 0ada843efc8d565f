"""What decides whether somebody comes in, the same for requests and for sockets."""

from dataclasses import dataclass

from chatterroom.gateway.addresses import ClientAddresses
from chatterroom.gateway.identity import Identities
from chatterroom.gateway.limits import Limits

__all__ = ["Admission"]


@dataclass(frozen=True)
class Admission:
    """Addresses, limits and identities of one gateway."""

    addresses: ClientAddresses
    limits: Limits
    identities: Identities
    allowed_origins: frozenset[str]
    max_body_bytes: int
    request_timeout_s: float
