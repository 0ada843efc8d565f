"""Who opens a socket: what counts as a token, and which pages may."""

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.sockets.handshake import authenticate, parse_handshake

USER = "01kax40c6p8r2t4v7x9z1b3d5g"


class Verifier:
    """Knows one token."""

    user_id = USER

    def verify(self, token):
        if token != "right":
            raise ChatterRoomError(ErrorCode.TOKEN_INVALID, "the token is not valid")
        return self


def opened_by(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    handshake = parse_handshake(f"/ws/chat?userId={USER}", named)
    try:
        authenticate(handshake, Verifier(), frozenset({"https://elsewhere.example"}))
    except ChatterRoomError as error:
        return error.code
    return None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_has_no_case(scheme):
    assert opened_by(authorization=f"{scheme} right") is None
    assert opened_by(authorization=f"{scheme} wrong") is ErrorCode.TOKEN_INVALID
    assert opened_by(authorization=scheme) is ErrorCode.TOKEN_MISSING


@pytest.mark.parametrize("authorization", ["Basic right", "Bearerright", "right", ""])
def test_other_schemes_are_no_token(authorization):
    assert opened_by(authorization=authorization) is ErrorCode.TOKEN_MISSING


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example", "chat.example"),
        ("https://chat.example", "chat.example:443"),
        ("https://chat.example:443", "chat.example"),
        ("http://chat.example", "chat.example:80"),
        ("http://chat.example:8080", "chat.example:8080"),
        ("https://chat.example", "Chat.Example"),
        ("https://[2001:db8::1]", "[2001:db8::1]:443"),
        ("https://elsewhere.example", "chat.example"),
    ],
)
def test_a_page_of_the_same_site_may_open_sockets(origin, host):
    assert opened_by(authorization="Bearer right", origin=origin, host=host) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example", "chat.example:80"),
        ("http://chat.example", "chat.example:443"),
        ("https://chat.example:8443", "chat.example"),
        ("https://chat.example:443", "chat.example:8443"),
        ("ftp://chat.example", "chat.example"),
        ("https://evil.example", "chat.example:443"),
        ("https://", ""),
        ("null", "chat.example"),
        ("chat.example", "chat.example"),
    ],
)
def test_a_page_of_another_site_may_not(origin, host):
    code = opened_by(authorization="Bearer right", origin=origin, host=host)
    assert code is ErrorCode.ORIGIN_NOT_ALLOWED


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [
        ("", None),
        ("chatterroom.v1", "chatterroom.v1"),
        ("chatterroom.v2, chatterroom.v1", "chatterroom.v1"),
        ("bearer.right", "bearer.right"),
        ("bearer.right, chatterroom.v1", "chatterroom.v1"),
    ],
)
def test_only_what_is_spoken_is_confirmed(offered, accepted):
    headers = {"authorization": "Bearer right", "sec-websocket-protocol": offered}
    assert opened_by(**headers) is None
    assert parse_handshake("/ws/chat", headers).accepted_subprotocol == accepted


@pytest.mark.parametrize("offered", ["chatterroom.v2", "mqtt, bearer.right", "Chatterroom.v1"])
def test_what_is_not_spoken_is_refused(offered):
    headers = {"authorization": "Bearer right", "sec-websocket-protocol": offered}
    assert opened_by(**headers) is ErrorCode.INVALID_REQUEST
