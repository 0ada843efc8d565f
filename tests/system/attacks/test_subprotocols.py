"""Only what is spoken is confirmed in a WebSocket's handshake."""

import pytest

from .wire import status_of
from .world import World

PATHS = ("/ws/chat", "/ws/alert")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "offered", ["chatterroom.v2", "graphql-ws, mqtt", "Chatterroom.v1", "bearer"]
)
def test_unknown_subprotocols_alone_are_refused(world: World, path: str, offered: str):
    with world.alice.open(path, Sec_WebSocket_Protocol=offered) as socket:
        assert status_of(socket.head) == 400
        assert b"invalid_request" in socket.head


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("offered", ["chatterroom.v1", "chatterroom.v2, chatterroom.v1"])
def test_the_one_that_is_spoken_is_confirmed(world: World, path: str, offered: str):
    with world.alice.open(path, Sec_WebSocket_Protocol=offered) as socket:
        assert status_of(socket.head) == 101
        assert b"sec-websocket-protocol: chatterroom.v1\r\n" in socket.head.lower()


def test_a_token_is_no_version(world: World):
    token = f"bearer.{world.alice.token}"
    with world.alice.open(Authorization="", Sec_WebSocket_Protocol=token) as socket:
        assert status_of(socket.head) == 101
    both = f"chatterroom.v2, {token}"
    with world.alice.open(Authorization="", Sec_WebSocket_Protocol=both) as socket:
        assert status_of(socket.head) == 400
