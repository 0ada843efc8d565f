"""Row 1: calls that are too large or too slow are their caller's matter, and nobody else's."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx

from chatterroom.pb import chat_pb2, chat_pb2_grpc

from .services import channel
from .wire import status_of
from .world import Person, World

# Four bytes in UTF-8, six in JSON: the most that a message of 8,000 characters can be.
LONG = "\U0001f600" * 8_000
AT_ONCE = 24
ROUNDS = 3


def others_are_served(world: World) -> list[tuple[str, int]]:
    """What did not work for an honest pair of people: sends, histories, logins, sockets."""
    statuses = []
    for number in range(5):
        sent = world.alice.write(world.room, f"still here {number}")
        statuses.append(("send", sent.status_code))
        read = world.bob.http.get(f"/chat-service/rooms/{world.room}?limit=10")
        statuses.append(("history", read.status_code))
        profile = world.alice.http.get(f"/user-service/users/{world.bob.id}")
        statuses.append(("profile", profile.status_code))
        for path in ("/ws/chat", "/ws/alert"):
            with world.alice.open(path) as socket:
                statuses.append((path, status_of(socket.head)))
    return [(what, status) for what, status in statuses if status not in {200, 101}]


def test_row_1_pages_that_are_as_large_as_can_be_are_the_callers_matter(world: World):
    eve = Person(world, "eve")
    room = eve.create_room()
    for _ in range(135):
        assert eve.write(room, LONG).status_code == 200

    def read(_: int) -> int:
        # None of its answers may be a failure of ours.
        try:
            return eve.http.get(f"/chat-service/rooms/{room}?limit=200").status_code
        except httpx.TransportError:
            # Cut off, or refused: eve asks for more than eve takes.
            return 429

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            reading = pool.map(read, range(AT_ONCE))
            assert others_are_served(world) == []
            assert set(reading) <= {200, 400, 429}


def test_row_1_calls_that_run_out_of_time_are_the_callers_matter(world: World):
    eve = Person(world, "eve")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            waiting = pool.map(lambda _: eve.http.get("/timeout").status_code, range(AT_ONCE))
            assert others_are_served(world) == []
            assert set(waiting) == {504}


def test_row_1_calls_past_the_gateway_that_are_too_large_or_given_up(world: World):
    eve = Person(world, "eve")
    metadata = [("authorization", f"Bearer {eve.token}")]
    large = chat_pb2.SendRoomMessageRequest(
        room_id=world.room, sender_id=eve.id, message="x" * (5 * 1024 * 1024)
    )
    history = chat_pb2.GetRoomHistoryRequest(room_id=world.room, limit=200)
    with channel(world, "chat") as plain:
        stub = chat_pb2_grpc.ChatServiceStub(plain)
        for _ in range(10):
            calls = [
                stub.SendRoomMessage.future(large, metadata=metadata, timeout=10),
                stub.GetRoomHistory.future(history, metadata=metadata, timeout=0.0001),
                stub.GetRoomHistory.future(history, metadata=metadata, timeout=10),
            ]
            calls[2].cancel()
            assert calls[0].code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert calls[1].code() is not grpc.StatusCode.UNAVAILABLE
        assert others_are_served(world) == []
