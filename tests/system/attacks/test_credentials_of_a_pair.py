"""Row 14: who gets to see the credential of a caller can use it at one service and nowhere else."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from chatterroom.pb import (
    chat_pb2,
    chat_pb2_grpc,
    discovery_pb2,
    discovery_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)

from .services import as_service, channel
from .world import NOBODY, World

CODE = grpc.StatusCode
Metadata = list[tuple[str, str]]


class Fake(grpc.GenericRpcHandler):
    """A service that keeps what callers show, and does nothing for them."""

    def __init__(self) -> None:
        self.shown: set[str] = set()

    def service(self, details: grpc.HandlerCallDetails) -> None:
        """Note the credential; the call is UNIMPLEMENTED."""
        for name, value in details.invocation_metadata:
            if name == "authorization":
                self.shown.add(value)


@contextmanager
def registered(world: World, name: str) -> Iterator[Fake]:
    """Run a fake instance of a service, registered with the real credential of the service."""
    fake = Fake()
    server = grpc.server(ThreadPoolExecutor(4), handlers=(fake,))
    url = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    metadata = as_service(world, name, "discovery")
    with channel(world, "discovery") as plain:
        discovery = discovery_pb2_grpc.DiscoveryServiceStub(plain)
        # Sockets of honest people must find nobody there.
        discovery.RegisterService(
            discovery_pb2.RegisterServiceRequest(
                service_name=name, service_url=url, websocket_url="127.0.0.1:1"
            ),
            metadata=metadata,
        )
        try:
            yield fake
        finally:
            discovery.DeregisterService(
                discovery_pb2.DeregisterServiceRequest(service_url=url), metadata=metadata
            )
            until(lambda: all(served(world) for _ in range(20)))
            server.stop(None)


def served(world: World) -> bool:
    people, rooms = "/user-service/users", "/chat-service/rooms"
    paths = (f"{people}/{world.bob.id}", f"{rooms}/{world.room}")
    return all(world.bob.http.get(path).status_code == 200 for path in paths)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refusal(world: World, service: str, metadata: Metadata) -> grpc.StatusCode | None:
    """Ask a service for something that gateways may ask for; return the status, None where done."""
    with channel(world, service) as plain:
        try:
            match service:
                case "chat":
                    chat_pb2_grpc.ChatServiceStub(plain).GetRoom(
                        chat_pb2.GetRoomRequest(room_id=NOBODY), metadata=metadata, timeout=10
                    )
                case "users":
                    users_pb2_grpc.UserServiceStub(plain).GetUserProfile(
                        users_pb2.GetUserProfileRequest(user_id=world.bob.id),
                        metadata=metadata,
                        timeout=10,
                    )
                case _:
                    discovery_pb2_grpc.DiscoveryServiceStub(plain).DiscoverService(
                        discovery_pb2.DiscoverServiceRequest(service_name="chat"),
                        metadata=metadata,
                        timeout=10,
                    )
        except grpc.RpcError as refused:
            return refused.code()
    return None


@pytest.mark.parametrize(
    ("name", "others"), [("chat", ("users", "discovery")), ("users", ("chat", "discovery"))]
)
def test_row_14_what_a_fake_service_is_shown_is_good_nowhere_else(
    world: World, name: str, others: tuple[str, ...]
):
    with registered(world, name) as fake:
        paths = {
            "chat": f"/chat-service/rooms/{world.shared_room}",
            "users": f"/user-service/users/{world.bob.id}",
        }

        def caught() -> bool:
            world.mallory.http.get(paths[name])
            return bool(fake.shown)

        until(caught)
    assert f"Bearer {world.secret('gateway-credential')}" not in fake.shown
    for shown in fake.shown:
        acting = [("authorization", shown), ("chatterroom-user-id", world.alice.id)]
        for other in others:
            for metadata in ([("authorization", shown)], acting):
                assert refusal(world, other, metadata) is CODE.UNAUTHENTICATED, other


@pytest.mark.parametrize("called", ["users", "chat", "discovery"])
def test_row_14_secrets_themselves_open_nothing(world: World, called: str):
    for name in ("gateway", "users", "chat"):
        offered = [("authorization", f"Bearer {world.secret(f'{name}-credential')}")]
        assert refusal(world, called, offered) is CODE.UNAUTHENTICATED


def test_row_14_a_credential_for_one_service_is_refused_by_the_others(world: World):
    services = ("users", "chat", "discovery")
    for meant_for in services:
        metadata = as_service(world, "gateway", meant_for)
        assert refusal(world, meant_for, metadata) in {None, CODE.NOT_FOUND}
        for other in set(services) - {meant_for}:
            assert refusal(world, other, metadata) is CODE.UNAUTHENTICATED
