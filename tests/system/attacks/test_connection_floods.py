"""Row 4: connections without end, from one address and from many, and no descriptors left."""

import itertools
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
from tests.system.conftest import wait_for

from .wire import WAIT_S, heard, request, status_of
from .world import CONNECTIONS, CONNECTIONS_PER_ADDRESS, NOBODY, Person, World

LAST = {"Connection": "close"}
NO_DESCRIPTOR_LEFT = "no_file_descriptor_left"


def connect(port: int, source: str) -> socket.socket:
    """Connect from an address of this machine that is no trusted proxy."""
    return socket.create_connection(("127.0.0.1", port), WAIT_S, (source, 0))


def ask(world: World, path: str, source: str) -> bytes:
    """Return the response to a request on a connection of its own."""
    with connect(world.port, source) as plain:
        plain.sendall(request("GET", path, **LAST))
        answer = heard(plain)
    world.answers.append(answer)
    return answer


def kept_alive(world: World, source: str) -> socket.socket:
    plain = connect(world.port, source)
    plain.sendall(request("GET", "/healthz"))
    assert plain.recv(65536).startswith(b"HTTP/1.1 200 ")
    return plain


def test_row_4_one_address_has_its_share_and_others_are_served(world: World):
    with ExitStack() as many:
        kept = [
            many.enter_context(kept_alive(world, "127.0.0.2"))
            for _ in range(CONNECTIONS_PER_ADDRESS)
        ]
        refused = ask(world, "/openapi.json", "127.0.0.2")
        assert status_of(refused) == 429
        assert b"retry-after: " in refused
        assert json.loads(refused.partition(b"\r\n\r\n")[2])["policy"] == "connections per address"
        # Whoever watches over the platform from there still can.
        for path in ("/healthz", "/readyz", "/status"):
            assert status_of(ask(world, path, "127.0.0.2")) == 200
        assert status_of(ask(world, "/openapi.json", "127.0.0.3")) == 200
        assert status_of(world.talk(request("GET", "/openapi.json", **LAST))) == 200
        # What the flood has, it keeps: nobody else needs it.
        for plain in kept:
            plain.sendall(request("GET", "/healthz"))
            assert plain.recv(65536).startswith(b"HTTP/1.1 200 ")
    wait_for(
        lambda: status_of(ask(world, "/openapi.json", "127.0.0.2")) == 200,
        WAIT_S,
        "the places to be given back",
    )


def test_a_flood_on_top_of_its_share_is_hung_up_on(world: World):
    with ExitStack() as many:
        for _ in range(CONNECTIONS_PER_ADDRESS):
            many.enter_context(kept_alive(world, "127.0.0.4"))
        answers = []
        for _ in range(120):
            try:
                answers.append(status_of(ask(world, "/openapi.json", "127.0.0.4")))
            except ConnectionError:
                answers.append(0)
        assert set(answers) == {0, 429}
        assert status_of(ask(world, "/openapi.json", "127.0.0.5")) == 200


def test_row_4_connections_that_wait_make_room_for_new_ones(world: World, mallory: Person):
    with ExitStack() as many, mallory.open() as honest:
        honest.hear("ready")
        for number in range(CONNECTIONS + 50):
            source = f"127.1.0.{1 + number // (CONNECTIONS_PER_ADDRESS - 5)}"
            connection = connect(world.port, source) if number % 2 else kept_alive(world, source)
            many.enter_context(connection)
        for number in range(5):
            assert status_of(ask(world, "/openapi.json", f"127.2.0.{1 + number}")) == 200
        # Sockets are no waiting connections.
        honest.say(type="ping", ref="here")
        assert honest.hear("pong")["ref"] == "here"


def log_of(world: World, name: str) -> str:
    logs = (world.platform.data_dir / "logs").iterdir()
    return "".join(path.read_text() for path in logs if name in path.name)


@contextmanager
def few_descriptors(process: psutil.Process) -> Iterator[None]:
    """Leave a process ten descriptors: the limit is on their numbers, and earlier floods have
    left gaps among those."""
    limit = process.rlimit(resource.RLIMIT_NOFILE)
    taken = {int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    process.rlimit(resource.RLIMIT_NOFILE, (next(itertools.islice(free, 10, None)), limit[1]))
    try:
        yield
    finally:
        process.rlimit(resource.RLIMIT_NOFILE, limit)


@pytest.mark.parametrize("name", ["gateway", "chat", "users"])
def test_a_process_without_descriptors_says_so_and_recovers(world: World, name: str):
    (process,) = world.platform.processes(name)
    port, answers = world.port, is_answered
    if name != "gateway":
        answers = partial(takes_sockets, "chat" if name == "chat" else "alert")
        port = next(port for _, port in world.listening(name) if answers(port))
    wait_for(lambda: not is_flooded(process), 30, "the connections of other tests to end")
    said_before = log_of(world, name).count(NO_DESCRIPTOR_LEFT)
    begun = time.monotonic()
    with ExitStack() as many:
        with few_descriptors(process):
            for _ in range(30):
                many.enter_context(connect(port, "127.3.0.1"))

            def is_said_twice() -> bool:
                # A silent connection is cut off after a while: another takes its descriptor.
                many.enter_context(connect(port, "127.3.0.1"))
                return log_of(world, name).count(NO_DESCRIPTOR_LEFT) > said_before + 1

            wait_for(is_said_twice, 30, "the log to say it twice")
            said = log_of(world, name).count(NO_DESCRIPTOR_LEFT) - said_before
            assert said <= time.monotonic() - begun + 1, "once a second"
        wait_for(lambda: answers(port), 30, "new connections to be answered again")


def is_flooded(process: psutil.Process) -> bool:
    """Say whether a process holds connections from addresses that only floods come from."""
    remote = [each.raddr.ip for each in process.net_connections("tcp") if each.raddr]
    # Some sockets of ours speak of IPv4 in IPv6.
    return any(address.removeprefix("::ffff:") != "127.0.0.1" for address in remote)


def is_answered(port: int) -> bool:
    return status_of(asked(port, request("GET", "/healthz", **LAST))) == 200


def takes_sockets(kind: str, port: int) -> bool:
    """Say whether a port answers handshakes, and refuses one without a token."""
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    return status_of(asked(port, request("GET", f"/ws/{kind}?userId={NOBODY}", **upgrade))) == 401


def asked(port: int, sent: bytes) -> bytes:
    with connect(port, "127.3.0.2") as plain:
        try:
            plain.sendall(sent)
        except ConnectionError:
            return b""
        return heard(plain)


def test_every_process_has_raised_its_limit_and_said_so(world: World):
    for name in ("gateway", "users", "chat", "discovery"):
        for process in world.platform.processes(name):
            soft, hard = process.rlimit(resource.RLIMIT_NOFILE)
            assert soft == hard
        assert "file_descriptors" in log_of(world, name)
