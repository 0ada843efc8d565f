"""Whose request it is when proxies stand between."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.core.settings import SettingsError
from chatterroom.gateway.addresses import ClientAddresses, counted_as, normalised

_PORTS = st.integers(0, 65535)
_ZONES = st.sampled_from(["", "%eth0", "%1", "%wlp2s0"])
_PADDING = st.sampled_from(["", " ", "\t"])


@st.composite
def ipv4_spellings(draw):
    """An address, and one of the ways in which proxies and kernels write it."""
    address = draw(st.ip_addresses(v=4))
    high, low = int(address) >> 16, int(address) & 0xFFFF
    mapped = draw(
        st.sampled_from(
            [f"::ffff:{address}", f"::FFFF:{high:x}:{low:x}", f"0:0:0:0:0:ffff:{address}"]
        )
    )
    port = draw(_PORTS)
    ways = [f"{address}", f"{address}:{port}", f"[{mapped}]", f"[{mapped}]:{port}", mapped]
    padding = draw(_PADDING)
    return address, f"{padding}{draw(st.sampled_from(ways))}{padding}"


@st.composite
def ipv6_spellings(draw):
    address = draw(st.ip_addresses(v=6).filter(lambda made: made.ipv4_mapped is None))
    text = draw(st.sampled_from([f"{address}", address.exploded])) + draw(_ZONES)
    text = draw(st.sampled_from([text, text.upper()]))
    ways = [text, f"[{text}]", f"[{text}]:{draw(_PORTS)}"]
    padding = draw(_PADDING)
    return address, f"{padding}{draw(st.sampled_from(ways))}{padding}"


@given(st.one_of(ipv4_spellings(), ipv6_spellings()))
def test_every_spelling_of_an_address_is_one_address(spelling):
    address, text = spelling
    assert normalised(text) == str(address)
    assert normalised(normalised(text)) == normalised(text)


@given(st.text())
def test_whatever_is_written_is_an_address_in_its_one_spelling_or_none(text):
    found = normalised(text)
    assert found == "" or str(ip_address(found)) == found
    assert normalised(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113.07",
        "203.0.113",
        "203.0.113.7:",
        "203.0.113.7:99999",
        "203.0.113.7:-1",
        "203.0.113.7%eth0",
        "[203.0.113.7]",
        "2001:db8::1]:443",
        "[2001:db8::1]443",
        "[2001:db8::1",
        "fe80::1%",
        "::ffff:203.0.113.07",
        "203.0.113.7/32",
        "0xcb007107",
        "3405803783",
        "٢٠٣.0.113.7",
        "203.0.113.7\0",
        "1" * 10_000,
    ],
)
def test_what_is_no_address_is_none(text):
    assert normalised(text) == ""


def test_a_port_behind_ipv6_needs_brackets():
    assert normalised("2001:db8::1:443") == "2001:db8::1:443"
    assert normalised("[2001:db8::1]:443") == "2001:db8::1"


@given(ipv4_spellings(), ipv4_spellings())
def test_a_client_is_found_however_the_proxy_spells_it(client, proxy):
    (address, text), (proxy_address, proxy_text) = client, proxy
    addresses = ClientAddresses(f"{proxy_address}/32")
    if address == proxy_address:
        return
    assert addresses.address_of(proxy_text, text) == str(address)
    assert addresses.address_of(proxy_text, f"1.1.1.1, {text}") == str(address)
    assert addresses.way_to_pass_on(proxy_text, text) == f"{address}, {proxy_address}"
    assert addresses.way_to_pass_on(text, proxy_text) == str(address)


@pytest.mark.parametrize("trusted", ["10.0.0.0/8", "::ffff:10.0.0.0/104"])
def test_proxies_are_trusted_however_their_network_is_written(trusted):
    addresses = ClientAddresses(trusted)
    for peer in ("10.1.2.3", "::ffff:10.1.2.3"):
        assert addresses.address_of(peer, "203.0.113.9") == "203.0.113.9"


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_network_of_ipv6_counts_as_one(address, other):
    neighbour = IPv6Address(int(address) >> 64 << 64 | other)
    if address.ipv4_mapped or neighbour.ipv4_mapped:
        return
    assert counted_as(normalised(f"{address}")) == counted_as(normalised(f"[{neighbour}]:443"))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_counts_for_itself(address):
    assert counted_as(normalised(f"::ffff:{address}")) == str(IPv4Address(address))


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
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, ", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9:51234", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, 10.0.0.2:443", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, [::ffff:10.0.0.2]:443", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9" + ", 10.0.0.2" * 30, "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9" + ", 10.0.0.2" * 3000, "10.0.0.2"),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy(trusted, peer, forwarded, address):
    assert ClientAddresses(trusted).address_of(peer, forwarded) == address


def test_what_is_passed_on_comes_from_trusted_proxies_only():
    addresses = ClientAddresses("10.0.0.0/8")
    assert addresses.way_to_pass_on("10.0.0.1", "203.0.113.9") == "203.0.113.9, 10.0.0.1"
    assert addresses.way_to_pass_on("10.0.0.1", "1.1.1.1, 203.0.113.9") == "203.0.113.9, 10.0.0.1"
    assert addresses.way_to_pass_on("192.0.2.1", "203.0.113.9") == "192.0.2.1"


def test_networks_that_are_none_stop_the_start():
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        ClientAddresses("10.0.0.0/8, everybody")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one(address, counted):
    assert counted_as(address) == counted
