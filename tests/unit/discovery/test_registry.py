import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.discovery.registry import Entry, Rotation, parse_name, parse_url


@pytest.mark.parametrize(
    "url", ["127.0.0.1:1", "chat-2:50051", "a.b.example:65535", "[::1]:8080", "users_1:80"]
)
def test_host_and_port_are_accepted(url):
    assert parse_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        ":80",
        "host:",
        "host:0",
        "host:65536",
        "host:999999",
        "host:8x",
        "http://host:80",
        "host:80/path",
        "user@host:80",
        "ho st:80",
        "host:80\n",
        "ho\0st:80",
        "a" * 300 + ":80",
        "[::1:80",
    ],
)
def test_anything_else_is_not_a_url(url):
    with pytest.raises(ChatterRoomError) as caught:
        parse_url(url)
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert caught.value.data == {"field": "service_url"}


@pytest.mark.parametrize("name", ["", "1st", "a b", "a\n", "ü", "a" * 64, "{a}", "a:b"])
def test_a_service_name_is_a_short_plain_word(name):
    with pytest.raises(ChatterRoomError) as caught:
        parse_name(name)
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_a_service_without_instances_is_not_found():
    with pytest.raises(ChatterRoomError) as caught:
        Rotation().next("chat", [Entry("users", "a:1")])
    assert caught.value.code is ErrorCode.SERVICE_NOT_FOUND


@given(st.sets(st.integers(1, 65535), min_size=1, max_size=12), st.integers(1, 4))
def test_every_instance_gets_the_same_number_of_turns(ports, rounds):
    entries = [Entry("chat", f"host:{port}") for port in ports]
    rotation = Rotation()
    turns = [rotation.next("chat", entries) for _ in range(len(entries) * rounds)]
    assert {entry: turns.count(entry) for entry in entries} == dict.fromkeys(entries, rounds)


@given(st.sets(st.integers(1, 9), min_size=2), st.data())
def test_a_departed_instance_gets_no_turn_and_the_rest_go_on(ports, data):
    entries = [Entry("chat", f"host:{port}") for port in ports]
    rotation = Rotation()
    rotation.next("chat", entries)
    gone = data.draw(st.sampled_from(entries))
    rest = [entry for entry in entries if entry != gone]
    assert {rotation.next("chat", rest) for _ in rest} == set(rest)
