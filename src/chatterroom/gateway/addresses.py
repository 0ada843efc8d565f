"""Which address a request comes from, and by which name limits count it."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from chatterroom.core.settings import SettingsError
from chatterroom.process import split_urls

__all__ = ["ClientAddresses", "counted_as"]

# Whoever has one IPv6 address has the 2^64 of its network.
_IPV6_PREFIX = 64


class ClientAddresses:
    """Tells a client's address from that of the proxies in front of the gateway."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = [_network(text) for text in split_urls(trusted_proxies)]

    def address_of(self, peer: str, forwarded_for: str) -> str:
        """Return the last address on the way that is not a trusted proxy.

        `forwarded_for` is X-Forwarded-For, its lines joined with commas. It counts only as far
        as trusted proxies have written it.
        """
        if not self._trusted or not forwarded_for:
            return peer
        address = peer
        for hop in reversed(forwarded_for.split(",")):
            if not self._is_trusted(address):
                break
            try:
                address = str(ip_address(hop.strip()))
            except ValueError:
                break
        return address

    def believed(self, peer: str, forwarded_for: str) -> str:
        """Return the part of X-Forwarded-For to pass on: all of it from a trusted proxy."""
        return forwarded_for if self._trusted and self._is_trusted(peer) else ""

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def counted_as(address: str) -> str:
    """Return what limits count an address as: itself, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
    return address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise SettingsError(
            "CHATTERROOM_GATEWAY_TRUSTED_PROXIES is wrong: networks like 10.0.0.0/8 are expected"
        ) from None
