"""Deleting accounts that have much to leave behind."""

import time

from .stored import make_rooms
from .test_health_is_not_traffic import others_are_served
from .world import Person, World

# Some calls' worth of leaving.
MANY_ROOMS = 350
LEFT_WITHIN_S = 60


def delete(who: Person) -> None:
    answer = who.http.post("/user-service/me/deletion", json={"password": who.password})
    assert answer.status_code == 200, answer.text


def rooms_of(world: World, who: Person) -> int:
    with world.chat_database() as database:
        return database["memberships"].count_documents({"user_id": who.id})


def wait_until_gone(world: World, who: Person) -> None:
    until = time.monotonic() + LEFT_WITHIN_S
    while rooms_of(world, who):
        assert time.monotonic() < until, f"still in {rooms_of(world, who)} rooms"
        time.sleep(0.05)


def test_row_3_somebody_in_many_rooms_deletes_the_account_and_keeps_nobody_waiting(world: World):
    eve, other, friend = (Person(world, name) for name in ("eve", "other", "friend"))
    others_room = friend.create_room(other)
    with world.chat_database() as database:
        rooms = make_rooms(database, eve.id, friend.id, MANY_ROOMS, message="hello")
    delete(eve)
    assert eve.http.get("/user-service/me").status_code == 401
    delete(other)
    wait_until_gone(world, other)
    assert others_are_served(world) == []
    wait_until_gone(world, eve)
    for room in (rooms[0], rooms[-1], others_room):
        answer = friend.http.get(f"/chat-service/rooms/{room}/members").json()
        assert [each["user_id"] for each in answer["members"]] == [friend.id]
    assert friend.texts(rooms[0]) == ["hello"]
