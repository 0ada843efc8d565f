"""Row 12: tokens of ended sessions stay refused over restarts, whatever hangs or is away."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import grpc
import httpx
import psutil
import pytest
from tests.system.conftest import Platform, wait_for

from chatterroom.pb import chat_pb2, chat_pb2_grpc, users_pb2, users_pb2_grpc

from .services import channel, grpc_port, websocket_port
from .wire import request, status_of, talk
from .world import SETTINGS, Person, World

# More than one page of what a user service reads at once, and one message to those who watch.
BACKLOG = 2_500
ROUNDS = 10
OK = "OK"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform of these tests' own: its processes are killed."""
    platform = Platform(tmp_path_factory.mktemp("restarted") / "data", users=1, chat=1)
    platform.settings = SETTINGS
    try:
        platform.start()
        world = World(platform)
        # They stay the same over restarts.
        for service in ("users", "chat"):
            grpc_port(world, service)
            websocket_port(world, service)
        yield world
        world.close()
    finally:
        assert platform.stop() == 0


@pytest.fixture(autouse=True)
def unharmed(world: World) -> Iterator[None]:
    """After each attack honest people chat."""
    yield
    assert world.bob.write(world.room, "still here").status_code == 200


class Ways:
    """Every way to a service with an access token: through the gateway and past it."""

    def __init__(self, world: World, token: str, person: Person) -> None:
        self.world = world
        self.bearer = f"Bearer {token}"
        self.person = person

    def http(self, path: str) -> httpx.Response | None:
        """Ask the gateway; None while nobody listens there."""
        headers = {"Authorization": self.bearer, "X-Forwarded-For": self.person.address}
        try:
            return httpx.get(
                self.world.platform.url + path, headers=headers, timeout=15, trust_env=False
            )
        except httpx.TransportError:
            return None

    def socket(self, path: str, port: int) -> bytes:
        """Return what a handshake is answered, empty while nobody listens there."""
        asked = request(
            "GET",
            f"{path}?userId={self.person.id}",
            Connection="Upgrade",
            Upgrade="websocket",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            Authorization=self.bearer,
            X_Forwarded_For=self.person.address,
        )
        try:
            return talk(port, asked, end=True)
        except OSError:
            return b""

    def rpc(self, service: str) -> str:
        """Call a service without the gateway; return the name of the status."""
        metadata = [("authorization", self.bearer)]
        with channel(self.world, service) as plain:
            try:
                if service == "users":
                    users = users_pb2_grpc.UserServiceStub(plain)
                    users.ListSessions(
                        users_pb2.ListSessionsRequest(user_id=self.person.id),
                        metadata=metadata,
                        timeout=10,
                    )
                else:
                    chat = chat_pb2_grpc.ChatServiceStub(plain)
                    chat.GetRoom(
                        chat_pb2.GetRoomRequest(room_id=self.world.shared_room),
                        metadata=metadata,
                        timeout=10,
                    )
            except grpc.RpcError as refused:
                return str(refused.code().name)
        return OK


def logged_out(world: World) -> Ways:
    """Log in and out again; return the ways with the token, which has not expired."""
    mallory = world.mallory
    mallory.log_in()
    ways = Ways(world, mallory.token, mallory)
    mallory.http.post("/user-service/logout").raise_for_status()
    mallory.log_in()
    return ways


def going_on(world: World) -> Ways:
    return Ways(world, world.bob.token, world.bob)


def restart(world: World, *names: str) -> None:
    """Kill processes and wait until others are there in their place."""
    for name in names:
        (killed,) = world.platform.processes(name)
        killed.kill()
        killed.wait(10)
    for name in names:
        wait_for(partial(listens, world, name), 60, f"{name} to listen")


def listens(world: World, name: str) -> bool:
    ports = (
        {world.port} if name == "gateway" else {grpc_port(world, name), websocket_port(world, name)}
    )
    listening = {
        connection.laddr.port
        for process in world.platform.processes(name)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    return ports <= listening


@contextmanager
def stopped(world: World, name: str) -> Iterator[None]:
    (process,) = world.platform.processes(name)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def is_ready(world: World) -> bool:
    answer = going_on(world).http("/readyz")
    return answer is not None and answer.status_code == 200 and world.platform.is_ready()


def refuses_everybody_for_now(ways: Ways) -> None:
    """The gateway takes no token, and says that it will."""
    for path in (f"/chat-service/rooms/{ways.world.shared_room}", "/user-service/me"):
        answer = ways.http(path)
        assert answer is not None
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.headers["retry-after"] == "1"
    for path in ("/ws/chat", "/ws/alert"):
        refused = ways.socket(path, ways.world.port)
        assert status_of(refused) == 503, refused
        assert b"retry-after: 1" in refused.lower()


def test_row_12_no_token_is_taken_after_a_restart_until_hanging_users_have_said_what_ended(
    world: World,
):
    ended, honest = logged_out(world), going_on(world)
    chat_socket = websocket_port(world, "chat")
    with stopped(world, "users"):
        restart(world, "gateway", "chat")
        for _ in range(ROUNDS):
            for ways in (ended, honest):
                refuses_everybody_for_now(ways)
                assert ways.rpc("chat") == "UNAVAILABLE"
                assert status_of(ways.socket("/ws/chat", chat_socket)) == 503
        ready = honest.http("/readyz")
        assert ready is not None
        assert ready.status_code == 503
        assert ready.json()["sessions"] is False
        alive = honest.http("/healthz")
        assert alive is not None
        assert alive.status_code == 200
    wait_for(partial(is_ready, world), 60, "the platform to be ready")
    refused = ended.http("/user-service/me")
    assert refused is not None
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert ended.rpc("chat") == ended.rpc("users") == "UNAUTHENTICATED"
    assert honest.rpc("chat") == honest.rpc("users") == OK


def test_row_12_an_outage_of_users_later_refuses_nobody_but_those_who_are_known_to_have_ended(
    world: World,
):
    ended, honest = logged_out(world), going_on(world)
    room = f"/chat-service/rooms/{world.shared_room}"

    def status(ways: Ways) -> int:
        answer = ways.http(room)
        assert answer is not None
        return answer.status_code

    wait_for(lambda: ended.rpc("chat") == "UNAUTHENTICATED", 20, "chat to know the end")
    wait_for(lambda: status(ended) == 401, 20, "the gateway to know the end")
    with stopped(world, "users"):
        assert (status(honest), status(ended)) == (200, 401)
        assert honest.rpc("chat") == OK
        assert ended.rpc("chat") == "UNAUTHENTICATED"


def test_row_12_a_token_is_never_taken_while_everything_starts_with_many_ended_sessions(
    world: World,
):
    ended, honest = logged_out(world), going_on(world)
    with world.users_database() as database:
        model = database.ended_sessions.find_one({"user_id": world.mallory.id})
        earlier = datetime.now(UTC) - timedelta(minutes=5)
        # All before the one that counts, which is read last.
        database.ended_sessions.insert_many(
            {**model, "_id": f"00{number:024}", "ended_at": earlier} for number in range(BACKLOG)
        )
    restart(world, "users", "gateway", "chat")
    room = f"/chat-service/rooms/{world.shared_room}"

    def all_take_the_honest_one() -> bool:
        for path in (room, "/user-service/me"):
            answer = ended.http(path)
            assert answer is None or answer.status_code in {401, 503}, answer.text
        for service in ("users", "chat"):
            assert ended.rpc(service) in {"UNAUTHENTICATED", "UNAVAILABLE"}
        answers = [honest.http(path) for path in (room, "/user-service/me")]
        return all(answer is not None and answer.status_code == 200 for answer in answers) and (
            honest.rpc("chat") == honest.rpc("users") == OK
        )

    wait_for(all_take_the_honest_one, 60, "the platform to take tokens")
    wait_for(partial(is_ready, world), 60, "the platform to be ready")
    assert ended.rpc("chat") == ended.rpc("users") == "UNAUTHENTICATED"


def test_row_12_no_token_is_taken_while_users_restart_without_their_database(world: World):
    ended, honest = logged_out(world), going_on(world)
    with stopped(world, "mongod"):
        restart(world, "users", "gateway")
        for _ in range(ROUNDS):
            for ways in (ended, honest):
                refuses_everybody_for_now(ways)
                assert ways.rpc("users") == "UNAVAILABLE"
    wait_for(partial(is_ready, world), 60, "the platform to be ready")
    assert ended.rpc("chat") == ended.rpc("users") == "UNAUTHENTICATED"
    assert honest.rpc("chat") == honest.rpc("users") == OK
