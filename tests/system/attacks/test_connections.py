# ruff: noqa: E501 -- a row of a table is a line
"""Rows 21, 30, 31, 35 to 37: clients that do not speak HTTP as they should, or never finish."""

import threading
import time

import pytest

from .wire import WAIT_S, WebSocket, heard, request, status_of
from .world import REQUEST_TIMEOUT_S, Person, World

JSON = {"Content_Type": "application/json"}
LOGIN = "/user-service/login"
MAX_BODY = 64 * 1024
CHUNK = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
CHUNKED = request("POST", LOGIN, **JSON, Transfer_Encoding="chunked")
HONEST = request("GET", "/healthz")
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}  # fmt: skip

# What nobody may understand in two ways: 400, and the connection ends.
AMBIGUOUS = {
    "35-length-and-chunks": request("POST", LOGIN, b"{}", **JSON, Transfer_Encoding="chunked") + b"0\r\n\r\n",
    "35-two-lengths": request("POST", LOGIN, **JSON, Content_Length="3") [:-2] + b"Content-Length: 4\r\n\r\nabcd",
    "35-negative-length": request("POST", LOGIN, **JSON, Content_Length="-1"),
    "35-length-with-a-plus": request("POST", LOGIN, **JSON, Content_Length="+2") + b"{}",
    "35-length-in-hex": request("POST", LOGIN, **JSON, Content_Length="0x2") + b"{}",
    "35-folded-header": request("GET", "/status", A="b\r\n c"),
    "35-space-before-the-colon": b"GET /status HTTP/1.1\r\nHost : x\r\n\r\n",
    "35-line-feed-in-a-header": request("GET", "/status", A="b\rc"),
    "35-nul-in-a-header": request("GET", "/status", A="b\0c"),
    "35-line-break-in-the-path": b"GET /status\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n",
    "35-chunk-size-broken": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "35-chunk-size-of-2-64": CHUNKED + b"10000000000000000\r\n{}\r\n",
    "35-not-http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "35-version-9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "31-head-of-100-kb": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000,
    "31-headers-without-end": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS, ids=lambda name: f"row-{name}")
def test_what_is_ambiguous_is_refused_and_nothing_behind_it_is_answered(world: World, name: str):
    answer = world.talk(AMBIGUOUS[name] + HONEST)
    assert status_of(answer) == 400, answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_row_21_a_body_without_a_length_is_not_read_on(world: World):
    with world.plain() as plain:
        plain.sendall(CHUNKED)
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                plain.sendall(CHUNK)
                sent += 0x1000
        except OSError:
            pass
        answer = heard(plain)
    assert sent < 32 * 1024 * 1024
    # A reset may have overtaken the answer; what it says is tried with less below.
    assert status_of(answer) in {0, 413}
    enough = CHUNKED + CHUNK * (MAX_BODY // 0x1000 + 1)
    answer = world.talk(enough + b"0\r\n\r\n")
    assert status_of(answer) == 413
    assert b"connection: close" in answer


# Whoever has begun one of these and does not finish is cut off, also while dribbling.
UNFINISHED = {
    "30-nothing": b"",
    "31-half-a-line": b"GET /status HT",
    "31-half-a-head": b"GET /status HTTP/1.1\r\nHost: x\r\nA",
    "31-half-a-body": request("POST", LOGIN, **JSON, Content_Length="100") + b'{"email"',
    "31-half-a-chunk": CHUNKED + b"10\r\n{",
    "31-half-a-handshake": b"GET /ws/chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
}  # fmt: skip


def test_rows_30_and_31_who_does_not_finish_is_cut_off(world: World):
    ends: dict[str, float] = {}

    def dribble(name: str, drop: bytes) -> None:
        begun = time.monotonic()
        with world.plain() as plain:
            plain.sendall(UNFINISHED[name])
            plain.settimeout(0.2)
            while time.monotonic() - begun < WAIT_S:
                try:
                    if not plain.recv(1000):
                        break
                except TimeoutError:
                    pass
                except OSError:
                    break
                try:
                    plain.sendall(drop)
                except OSError:
                    break
        ends[f"{name}, then {drop!r}"] = time.monotonic() - begun

    threads = [
        threading.Thread(target=dribble, args=(name, drop))
        for name in UNFINISHED
        for drop in (b"", b"a")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == len(threads)
    assert max(ends.values()) < REQUEST_TIMEOUT_S + 5, ends
    waited = [after for name, after in ends.items() if name.endswith("b''")]
    assert min(waited) > REQUEST_TIMEOUT_S * 0.9, ends


@pytest.mark.parametrize("version", ["8", "12", "99", "", "x"])
def test_row_36_a_refused_handshake_opens_no_tunnel(world: World, mallory: Person, version: str):
    headers = {**UPGRADE, "Authorization": f"Bearer {mallory.token}"}
    path = f"/ws/chat?userId={mallory.id}"
    answer = world.talk(request("GET", path, **headers, Sec_WebSocket_Version=version) + HONEST)
    assert status_of(answer) == 426
    assert b"sec-websocket-version: 13" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_row_36_a_tunnel_that_was_never_opened(world: World):
    for path in ("/status", "/ws/chat", "/ws/chat?userId=x", "/nowhere"):
        sent = request("GET", path, **UPGRADE, Sec_WebSocket_Version="13") + HONEST
        answer = world.talk(sent)
        assert status_of(answer) in {400, 401, 404}
        assert answer.count(b"HTTP/1.1 ") == 1
    answer = world.talk(request("GET", "/healthz", Upgrade="h2c", Connection="Upgrade") + HONEST)
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1


def test_row_37_what_host_says_is_repeated_nowhere(world: World):
    for host in ("evil.example", "evil.example:80", "127.0.0.1@evil.example"):
        for path in ("/", "/status", "/docs", "/nowhere", "/chat-service/conversations"):
            answer = world.talk(request("GET", path, Host=host, Connection="close"))
            assert status_of(answer) in {200, 400, 401, 404}
            assert b"evil.example" not in answer
            assert b"location:" not in answer.lower()


def test_row_52_a_request_that_names_no_host_or_several_is_refused(world: World):
    for sent in (
        request("GET", "/healthz", Host=""),
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        request("GET", "/healthz", Host="a, b"),
        request("GET", "/healthz", Host="127.0.0.1@evil.example"),
    ):
        answer = world.talk(sent + HONEST)
        assert status_of(answer) == 400
        assert answer.count(b"HTTP/1.1 ") == 1


def test_row_55_a_socket_that_is_not_asked_to_upgrade_says_426(world: World, mallory: Person):
    for path in ("/ws/chat", f"/ws/alert?userId={mallory.id}"):
        answer = world.talk(request("GET", path, Connection="close"))
        assert status_of(answer) == 426
        assert b"upgrade: websocket" in answer


def test_rows_51_and_53_a_socket_opens_by_any_spelling_of_bearer_and_of_its_own_origin(
    world: World, mallory: Person
):
    headers = {"Authorization": f"bearer {mallory.token}", "Origin": "https://chat.example"}
    for host in ("chat.example", "chat.example:443"):
        with mallory.open(**headers, Host=host) as socket:
            assert socket.is_open, socket.head
    with mallory.open(**headers, Host="chat.example:80") as socket:
        assert status_of(socket.head) == 403


def test_row_37_two_hosts_are_no_origin(world: World, mallory: Person):
    sent = request(
        "GET",
        f"/ws/chat?userId={mallory.id}",
        **UPGRADE,
        Sec_WebSocket_Version="13",
        Authorization=f"Bearer {mallory.token}",
        Origin="http://evil.example",
    )
    answer = world.talk(sent.replace(b"Upgrade:", b"Host: evil.example\r\nUpgrade:", 1))
    assert status_of(answer) in {400, 403}


def test_requests_right_behind_each_other_are_answered_in_order(world: World):
    """What an attacker's must not be, honest ones are."""
    last = request("GET", "/healthz", Connection="close")
    assert world.talk(HONEST * 5 + last).count(b"HTTP/1.1 200 ") == 6


def test_a_socket_whose_client_goes_silently_is_forgotten(world: World, mallory: Person):
    with mallory.open() as socket:
        assert isinstance(socket, WebSocket)
        socket.hear("ready")
    with mallory.open() as socket:
        socket.hear("ready")
