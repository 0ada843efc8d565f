"""Which address a request comes from, in one spelling, and by which name limits count it.

Everything behind the gateway's edge works with normalised addresses: limits, the places of
logins, alerts, sessions, and the X-Forwarded-For that services get.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from chatterroom.core.settings import SettingsError
from chatterroom.process import split_urls

__all__ = ["ClientAddresses", "counted_as", "normalised"]

_REMEMBERED = 16_384
# No spelling of an address with a zone and a port is longer.
_MAX_CHARACTERS = 128
# Whoever has one IPv6 address has the 2^64 of its network.
_IPV6_PREFIX = 64
_MAPPED = IPv6Network("::ffff:0:0/96")
_MAX_PORT = 65535
# More proxies than anybody has in a row; whoever writes more wants to keep us busy.
_MAX_HOPS = 32
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<v4>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?")


def normalised(text: str) -> str:
    """Return the one spelling of an IP address, or "" where `text` is none.

    Takes what proxies write: brackets, a port, a zone, upper case, IPv4 mapped into IPv6. A port
    behind IPv6 needs brackets. Numbers with leading zeros in IPv4 are refused: some read them as
    octal.
    """
    return _normalised(text) if len(text) <= _MAX_CHARACTERS else ""


@lru_cache(_REMEMBERED)
def _normalised(text: str) -> str:
    bare = text.strip()
    parts = _WITH_PORT.fullmatch(bare)
    if parts:
        if int(parts["port"] or 0) > _MAX_PORT or (parts["v6"] and ":" not in parts["v6"]):
            return ""
        bare = parts["v6"] or parts["v4"]
    try:
        parsed = ip_address(bare)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        # A zone means something on the host that wrote it only.
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed)))
    return str(parsed)


class ClientAddresses:
    """Tells a client's address from that of the proxies in front of the gateway."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = [_network(text) for text in split_urls(trusted_proxies)]

    def address_of(self, peer: str, forwarded_for: str) -> str:
        """Return the last address on the way that is not a trusted proxy, normalised.

        `forwarded_for` is X-Forwarded-For, its lines joined with commas. It counts only as far
        as trusted proxies have written it. Return "" where the peer has no address.
        """
        return self._way(peer, forwarded_for)[0]

    def way_to_pass_on(self, peer: str, forwarded_for: str) -> str:
        """Return the X-Forwarded-For of a request that goes on: what is believed of it, and us.

        It begins with the client's address and ends with the peer's, all normalised.
        """
        return ", ".join(filter(None, self._way(peer, forwarded_for)))

    def is_trusted(self, address: str) -> bool:
        """Say whether a normalised address is that of a trusted proxy."""
        if not self._trusted or not address:
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._trusted)

    def _way(self, peer: str, forwarded_for: str) -> list[str]:
        """Return the addresses from the client to the peer."""
        way = [normalised(peer)]
        if not self._trusted:
            return way
        for hop in reversed(forwarded_for.rsplit(",", _MAX_HOPS)):
            # An empty member of a list is none (RFC 9110, section 5.6.1).
            if not hop.strip():
                continue
            if not self.is_trusted(way[0]):
                break
            address = normalised(hop)
            if not address:
                break
            way.insert(0, address)
        return way


@lru_cache(_REMEMBERED)
def counted_as(address: str) -> str:
    """Return what limits count a normalised address as: an IPv6 address as its network."""
    return str(ip_network((address, _IPV6_PREFIX), strict=False)) if ":" in address else address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise SettingsError(
            "CHATTERROOM_GATEWAY_TRUSTED_PROXIES is wrong: networks like 10.0.0.0/8 are expected"
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((str(mapped), network.prefixlen - _MAPPED.prefixlen))
    return network
