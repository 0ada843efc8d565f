"""What decides whether somebody comes in, the same for requests and for sockets."""

from dataclasses import dataclass

from chatterroom.gateway.addresses import ClientAddresses
from chatterroom.gateway.connections import Connections
from chatterroom.gateway.identity import Identities
from chatterroom.gateway.limits import Limits
from chatterroom.gateway.slow_readers import SlowReaders

__all__ = ["Admission"]


@dataclass(frozen=True)
class Admission:
    """Addresses, connections, limits and identities of one gateway."""

    addresses: ClientAddresses
    connections: Connections
    limits: Limits
    slow_readers: SlowReaders
    identities: Identities
    allowed_origins: frozenset[str]
    max_body_bytes: int
    max_response_bytes: int
    request_timeout_s: float
