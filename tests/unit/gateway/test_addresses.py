"""Whose request it is when proxies stand between."""

import pytest

from chatterroom.core.settings import SettingsError
from chatterroom.gateway.addresses import ClientAddresses, counted_as


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ("", "10.0.0.1", "203.0.113.9", "10.0.0.1"),
        ("10.0.0.0/8", "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, not an address", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8, ::1/128", "::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.0/8", "", "203.0.113.9", ""),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy(trusted, peer, forwarded, address):
    assert ClientAddresses(trusted).address_of(peer, forwarded) == address


def test_what_is_passed_on_comes_from_trusted_proxies_only():
    addresses = ClientAddresses("10.0.0.0/8")
    assert addresses.believed("10.0.0.1", "203.0.113.9") == "203.0.113.9"
    assert addresses.believed("192.0.2.1", "203.0.113.9") == ""


def test_networks_that_are_none_stop_the_start():
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        ClientAddresses("10.0.0.0/8, everybody")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one(address, counted):
    assert counted_as(address) == counted
