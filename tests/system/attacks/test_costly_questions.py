"""What is short to ask and long to answer: addresses in texts, who is online, made-up ids."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chatterroom.core.ids import new_id

from .stored import join, make_rooms
from .test_health_is_not_traffic import others_are_served
from .world import Person, World


@pytest.mark.parametrize(
    ("beginning", "going_on"), [("https://a.b/'", "-."), ("http://a/[", "é@é")]
)
def test_row_22_addresses_without_end_do_not_keep_others_waiting(
    world: World, beginning: str, going_on: str
):
    eve = Person(world, "eve")
    room = eve.create_room()
    text = (beginning * 4_000)[:3_990] + (going_on * 2_000)[:3_990] + "@ann"
    with ThreadPoolExecutor(20) as pool:
        sent = pool.map(lambda _: eve.write(room, text).status_code, range(60))
        assert others_are_served(world) == []
    assert set(sent) == {200}


def test_row_3_who_is_online_is_answered_to_somebody_in_thousands_of_rooms(world: World):
    eve, victim = Person(world, "eve"), Person(world, "victim")
    with world.chat_database() as database:
        make_rooms(database, eve.id, victim.id, 5_000, message="hello")
    asked = [victim.id, world.alice.id, *(str(new_id()) for _ in range(198))]
    path = f"/chat-service/presence?ids={','.join(asked)}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: eve.http.get(path).status_code, range(30)))
        assert others_are_served(world) == []
    assert set(answers) == {200}


def test_ends_of_blocks_that_never_were_leave_nothing_behind(world: World):
    eve = Person(world, "eve")
    with world.chat_database() as database:
        before = database["blocks"].count_documents({})
        for _ in range(50):
            assert eve.http.delete(f"/chat-service/blocks/{new_id()}").status_code == 200
        assert database["blocks"].count_documents({}) == before


def test_row_20_somebody_is_invited_again_and_again_to_a_room_of_thousands(world: World):
    eve, victim = Person(world, "eve"), Person(world, "victim")
    settings = {"add_to_rooms": "nobody"}
    assert victim.http.put("/chat-service/contact-settings", json=settings).status_code == 200
    room = eve.create_room()
    with world.chat_database() as database:
        join(database, room, [str(new_id()) for _ in range(5_000)])
    path, body = f"/chat-service/rooms/{room}/add", {"user_id": victim.id}
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: eve.http.put(path, json=body).status_code, range(40))
        assert others_are_served(world) == []
    assert set(answers) == {200}
    listed = victim.http.get("/chat-service/requests").json()
    assert [each["conversation_id"] for each in listed["requests"]] == [room]
