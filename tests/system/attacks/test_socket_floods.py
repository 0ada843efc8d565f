"""One user against all, rows 6 and 7: sockets that are not read, or that never stop talking."""

import json
import socket as kernel
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from websockets.frames import Opcode

from chatterroom.core.ids import new_id

from .wire import WebSocket, frame
from .world import MESSAGES_BURST, SLOW_READER_S, SOCKETS_PER_USER, Person, World

# The longest message in bytes, as JSON and as text.
LONG = "\U0001f600" * 8000
PAST = 700
FLOOD = frame(Opcode.TEXT, json.dumps({"type": "ping", "x": "x" * 250_000}).encode())


def with_long_past(world: World, room: str) -> None:
    """Let a room have more in it than all buffers between two processes take."""
    with world.chat_database() as database:
        messages = database["room_messages"]
        (first,) = messages.find({"conversation_id": room, "type": "message"}).limit(1)
        seq = first["seq"]
        messages.insert_many(
            first
            | {
                "_id": f"{room}-{seq + more:012d}",
                "seq": seq + more,
                "message_index": more + 1,
                "client_id": f"past-{more}",
                "message": LONG,
            }
            for more in range(1, PAST)
        )


def flood(socket: WebSocket, frames: int) -> int:
    """Send long commands until nothing more is taken for a while; return how many were."""
    socket.plain.settimeout(2)
    for number in range(frames):
        try:
            socket.plain.sendall(FLOOD)
        except OSError:
            return number
    return frames


def test_row_6_what_is_sent_behind_a_resume_that_is_not_read_stays_with_its_sender(world: World):
    mallory, other = Person(world, "mallory"), Person(world, "other")
    room = mallory.create_room(other)
    mallory.write(room, "first")
    with_long_past(world, room)
    with ExitStack() as many, ThreadPoolExecutor(SOCKETS_PER_USER) as pool:
        sockets = [many.enter_context(mallory.open()) for _ in range(SOCKETS_PER_USER)]
        for socket in sockets:
            socket.plain.setsockopt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 4096)
            socket.hear("ready")
            socket.say(type="resume", conversations={room: 0})
        sent = list(pool.map(lambda socket: flood(socket, 150), sockets))
        # Others chat meanwhile, in the same room too.
        assert other.write(room, "still here").status_code == 200
        world.check(world.resident_bytes())
        # Some were stopped by what the processes refuse to take, long before the rate closed them.
        assert min(sent) < 150, sent
        # Who does not read is cut off in the end.
        for socket in sockets:
            socket.plain.settimeout(SLOW_READER_S + 30)
            while socket.next() is not None:
                pass


def test_row_6_an_honest_reader_gets_a_long_past_whole(world: World):
    reader = Person(world, "reader")
    room = reader.create_room()
    reader.write(room, "first")
    with_long_past(world, room)
    with reader.open() as socket:
        socket.hear("ready")
        socket.say(type="resume", conversations={room: 1})
        seqs = []
        while (found := socket.next()) is not None:
            event = json.loads(found[1])
            if event["type"] == "resumed":
                break
            seqs.append(event["seq"])
        assert seqs == list(range(2, PAST + 2))


def test_row_6_fragments_without_an_end_are_not_kept(world: World):
    mallory = Person(world, "mallory")
    with ExitStack() as many:
        sockets = [many.enter_context(mallory.open()) for _ in range(SOCKETS_PER_USER)]
        for socket in sockets:
            socket.hear("ready")
            socket.send(frame(Opcode.TEXT, b"x" * 100_000, fin=False))
            for _ in range(3):
                socket.send(frame(Opcode.CONT, b"x" * 100_000, fin=False))
        assert {socket.closed_with() for socket in sockets} == {1009}


def test_row_7_long_messages_in_many_rooms_are_not_all_kept(world: World):
    """More than may be kept goes through one instance, and its memory stays as it was."""
    writers = [Person(world, "writer") for _ in range(5)]
    each = MESSAGES_BURST // 2
    rooms = {writer.id: [writer.create_room(world.bob) for _ in range(4)] for writer in writers}

    def write(writer: Person) -> int:
        with writer.open() as socket:
            socket.hear("ready")
            socket.say(type="resume")
            socket.hear("resumed")
            heard = 0
            for number in range(each):
                room = rooms[writer.id][number % 4]
                socket.say(type="send", ref="r", room_id=room, message=LONG)
                # One at a time: its event, which the writer follows, and its ack.
                kinds = {"ack": False, "message": False}
                while not all(kinds.values()):
                    found = socket.next()
                    assert found is not None
                    kinds[json.loads(found[1])["type"]] = True
                heard += 1
            return heard

    with ThreadPoolExecutor(len(writers)) as pool:
        assert list(pool.map(write, writers)) == [each] * len(writers)


MANY = 5_000


def test_who_is_in_thousands_of_conversations_holds_up_nobody(world: World):
    """Of what others can bring somebody into nothing is told whole."""
    popular = Person(world, "popular")
    room = popular.create_room(world.bob)
    with world.chat_database() as database:
        memberships = database["memberships"]
        one = memberships.find_one({"user_id": popular.id})
        assert one is not None
        ids = [new_id() for _ in range(MANY)]
        memberships.insert_many(
            one | {"_id": one["_id"].replace(room, id_), "conversation_id": id_} for id_ in ids
        )
    with ExitStack() as many, ThreadPoolExecutor(1) as pool:
        sockets = [many.enter_context(popular.open()) for _ in range(SOCKETS_PER_USER)]
        for number, socket in enumerate(sockets):
            writing = pool.submit(world.bob.write, room, f"{number}")
            event = socket.hear("ready")
            listed = event["conversations"]
            while event.get("has_more"):
                assert len(event["conversations"]) <= 500
                event = socket.hear("conversations")
                listed += event["conversations"]
            assert {head["conversation_id"] for head in listed} == {room, *ids}
            socket.say(type="resume", conversations={room: 1})
            resumed = socket.hear("resumed")
            assert (list(resumed["conversations"]), resumed["has_more"]) == ([room], True)
            assert writing.result().status_code == 200
