"""Row 13: what a service reads, parses and holds for callers that it does not know."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatterroom.pb import chat_pb2, discovery_pb2, users_pb2

from .services import as_service, channel, grpc_port
from .world import Person, World

CODE = grpc.StatusCode
AT_ONCE = 8
ROUNDS = 4
# Two bytes each on the wire, and a hundred times that when parsed.
EMPTY_MESSAGES = b"\x0a\x00" * (2 * 1024 * 1024 - 64)
DEADLINE_S = 20
METHODS = {
    "chat": (chat_pb2, "SendMessages"),
    "users": (users_pb2, "GetUserProfile"),
    "discovery": (discovery_pb2, "RegisterService"),
}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def path(service: str) -> str:
    module, method = METHODS[service]
    (described,) = module.DESCRIPTOR.services_by_name.values()
    return f"/{described.full_name}/{method}"


def codes(calls: list) -> set[grpc.StatusCode]:
    return {call.code() for call in calls}


def flood(world: World, service: str, metadata: list[tuple[str, str]]) -> set[grpc.StatusCode]:
    """Send the largest requests of empty sub-messages, some at a time; return the statuses."""
    seen = set()
    with channel(world, service) as plain:
        call = plain.unary_unary(path(service))
        for _ in range(ROUNDS):
            seen |= codes(
                [
                    call.future(EMPTY_MESSAGES, metadata=metadata, timeout=DEADLINE_S)
                    for _ in range(AT_ONCE)
                ]
            )
    return seen


@pytest.mark.parametrize("service", METHODS)
def test_row_13_requests_of_strangers_are_not_read(world: World, service: str):
    for offered in ([], [("authorization", "Bearer " + "x" * 43)]):
        assert flood(world, service, offered) == {CODE.UNAUTHENTICATED}


def test_row_13_another_services_credential_opens_nothing_more(world: World):
    assert flood(world, "chat", as_service(world, "users", "chat")) == {CODE.PERMISSION_DENIED}


def test_row_13_people_who_come_by_themselves_send_little_at_a_time(world: World):
    eve = Person(world, "eve")
    metadata = [("authorization", f"Bearer {eve.token}")]
    refused = {CODE.RESOURCE_EXHAUSTED, CODE.UNAVAILABLE}
    for service in ("chat", "users"):
        assert flood(world, service, metadata) <= refused


def test_row_13_requests_that_never_come_are_not_waited_for(world: World):
    eve = Person(world, "eve")
    person = [("authorization", f"Bearer {eve.token}")]
    gone = threading.Event()

    def never() -> Iterator[bytes]:
        # The head of the call goes out; its message does not.
        gone.wait()
        yield from ()

    with channel(world, "chat") as plain:
        call = plain.stream_unary(path("chat"))
        try:
            strangers = [call.future(never(), timeout=DEADLINE_S) for _ in range(200)]
            assert codes(strangers) == {CODE.UNAUTHENTICATED}
            people = [call.future(never(), metadata=person, timeout=DEADLINE_S) for _ in range(40)]
            assert codes(people) <= {CODE.DEADLINE_EXCEEDED, CODE.UNAVAILABLE}
        finally:
            gone.set()


def test_row_13_strangers_who_watch_health_have_few_places(world: World):
    request = health_pb2.HealthCheckRequest()
    with channel(world, "chat") as plain:
        health = health_pb2_grpc.HealthStub(plain)
        watching = [health.Watch(request) for _ in range(200)]
        refused = 0
        for each in watching:
            try:
                next(each)
            except grpc.RpcError as failure:
                refused += failure.code() is CODE.UNAVAILABLE
        assert refused > 100
        # A service still gets its answer, and so does the gateway, which asks as one.
        answer = health.Check(
            request, metadata=as_service(world, "gateway", "chat"), timeout=DEADLINE_S
        )
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert world.alice.http.get("/chat-service/status").json() == {"status": "healthy"}
        for each in watching:
            each.cancel()


def test_row_13_idle_connections_are_capped(world: World):
    with ExitStack() as many:
        connections = []
        for _ in range(1_300):
            plain = many.enter_context(
                socket.create_connection(("127.0.0.1", grpc_port(world, "chat")), 15)
            )
            plain.sendall(PREFACE)
            connections.append(plain)
        served = sum(is_served(plain) for plain in connections)
        assert 0 < served <= 1_024
        assert world.alice.write(world.room, "still here").status_code == 200


def is_served(plain: socket.socket) -> bool:
    try:
        return bool(plain.recv(1))
    except OSError:
        return False
