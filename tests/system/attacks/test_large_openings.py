"""Sockets of somebody who is in thousands of conversations."""

from concurrent.futures import ThreadPoolExecutor

from chatterroom.core.ids import new_id

from .stored import make_rooms
from .test_health_is_not_traffic import others_are_served
from .world import SOCKETS_PER_USER, Person, World

CONVERSATIONS = 3_000


def open_and_resume(who: Person) -> int:
    """Return how many conversations a new socket has named."""
    with who.open() as socket:
        event = socket.hear("ready")
        named = {each["conversation_id"] for each in event["conversations"]}
        while event["has_more"]:
            event = socket.hear("conversations")
            named |= {each["conversation_id"] for each in event["conversations"]}
        socket.say(type="resume")
        socket.hear("resumed")
        return len(named)


def test_row_3_many_sockets_that_follow_thousands_open_at_once_beside_others(world: World):
    eve, friend = Person(world, "eve"), Person(world, "friend")
    with world.chat_database() as database:
        make_rooms(database, eve.id, friend.id, CONVERSATIONS, message="hello")
    with ThreadPoolExecutor(SOCKETS_PER_USER) as pool:
        opened = pool.map(lambda _: open_and_resume(eve), range(SOCKETS_PER_USER))
        assert others_are_served(world) == []
    assert set(opened) == {CONVERSATIONS}


def test_row_3_what_happens_while_a_large_socket_opens_or_closes_reaches_the_others(world: World):
    eve, friend = Person(world, "eve"), Person(world, "friend")
    with world.chat_database() as database:
        rooms = make_rooms(database, eve.id, friend.id, CONVERSATIONS, message="hello")
    with friend.open(room_id=rooms[0]) as listening:
        listening.hear("ready")
        listening.say(type="resume")
        listening.hear("resumed")
        for _ in range(3):
            text = str(new_id())
            with eve.open() as socket:
                socket.hear("ready")
            assert eve.write(rooms[0], text).status_code == 200
            assert listening.hear("message")["message"] == text
