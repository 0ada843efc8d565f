"""Rows 2, 3 and 20: lists that others fill, and rooms of very many, cost what a page shows."""

import pytest

from chatterroom.chat.pages import MAX_PAGE_BYTES
from chatterroom.core.ids import new_id

from .stored import entry, join, make_rooms
from .test_health_is_not_traffic import others_are_served
from .world import Person, World

FULL = "\U0001f600" * 8_000
FRAME_BYTES = 1_000


def listed(who: Person, limit: int) -> list[str]:
    """Page through somebody's list to its end, and return the ids in the order of the list."""
    found: list[str] = []
    cursor = ""
    while True:
        path = f"/chat-service/conversations?limit={limit}&cursor={cursor}"
        answer = who.http.get(path)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) <= MAX_PAGE_BYTES + FRAME_BYTES
        page = answer.json()
        found += [each["conversation_id"] for each in page["conversations"]]
        cursor = page["next_cursor"]
        # Among thousands of ids one looks like an address of memory.
        who.world.answers.clear()
        if not cursor:
            return found


def test_row_2_a_list_that_others_have_filled_is_read_page_by_page(world: World):
    eve, victim = Person(world, "eve"), Person(world, "victim")
    own = victim.create_room()
    with world.chat_database() as database:
        rooms = make_rooms(database, eve.id, victim.id, 135, message=FULL)
    assert listed(victim, 200) == [own, *rooms]
    assert victim.write(own, "I am still here").status_code == 200
    assert others_are_served(world) == []


def test_row_2_a_conversation_of_many_reactions_does_not_slow_its_members_list(world: World):
    eve, victim = Person(world, "eve"), Person(world, "victim")
    with world.chat_database() as database:
        rooms = make_rooms(database, eve.id, victim.id, 10, message="hello")
        for room in rooms:
            database["room_messages"].insert_many(
                {
                    **entry(room, seq, 1, eve.id, "reaction_added"),
                    "message_seq": 2,
                    "emoji": "+1",
                }
                for seq in range(3, 5_000)
            )
    answer = victim.http.get("/chat-service/conversations").json()
    assert [each["conversation_id"] for each in answer["conversations"]] == rooms
    assert {each["last_message"]["message"] for each in answer["conversations"]} == {"hello"}
    history = victim.http.get(f"/chat-service/rooms/{rooms[0]}").json()
    assert [message["message"] for message in history["messages"]] == ["hello"]


def test_row_3_somebody_in_thousands_of_rooms_has_a_list(world: World):
    eve, victim = Person(world, "eve"), Person(world, "victim")
    with world.chat_database() as database:
        rooms = make_rooms(database, eve.id, victim.id, 5_001, message="hello")
    for who in (eve, victim):
        answer = who.http.get("/chat-service/conversations?limit=1")
        assert answer.status_code == 200, answer.text
        assert [each["conversation_id"] for each in answer.json()["conversations"]] == rooms[:1]
    assert listed(victim, 200) == rooms
    # What gets a message is on top at once, wherever it was.
    last = rooms[-1]
    assert eve.write(last, "hello again").status_code == 200
    first, second = victim.http.get("/chat-service/conversations?limit=2").json()["conversations"]
    assert (first["conversation_id"], second["conversation_id"]) == (last, rooms[0])
    assert first["last_message"]["message"] == "hello again"


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAA", "2026-01-01T00:00:00.000Z 01abc"])
def test_row_3_a_damaged_cursor_is_refused(world: World, cursor: str):
    room = world.room
    for path in (
        "/chat-service/conversations",
        f"/chat-service/rooms/{room}/members",
        f"/chat-service/conversations/{room}/marks",
    ):
        answer = world.alice.http.get(path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_row_20_the_members_and_marks_of_a_large_room_come_in_pages(world: World):
    eve = Person(world, "eve")
    room = eve.create_room()
    users = [str(new_id()) for _ in range(5_000)]
    with world.chat_database() as database:
        join(database, room, users)
    for path, name in (
        (f"/chat-service/rooms/{room}/members", "members"),
        (f"/chat-service/conversations/{room}/marks", "marks"),
    ):
        found: list[str] = []
        cursor = ""
        while True:
            answer = eve.http.get(path, params={"cursor": cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page[name]) <= 200
            found += [each["user_id"] for each in page[name]]
            cursor = page["next_cursor"]
            world.answers.clear()
            if not cursor:
                break
        assert found == sorted([eve.id, *users])
    assert others_are_served(world) == []


def test_row_20_a_room_begins_with_few_and_grows_in_steps(world: World):
    eve = Person(world, "eve")
    strangers = [str(new_id()) for _ in range(2_160)]
    body = {"room_name": "Crowd", "creator_id": eve.id, "members_ids": strangers}
    for _ in range(8):
        refused = eve.http.post("/chat-service/rooms/create", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "too_many_members")
        assert refused.json()["max_members"] == 100
    room = eve.create_room()
    path = f"/chat-service/rooms/{room}/add"
    refused = eve.http.put(path, json={"user_ids": strangers[:101]})
    assert refused.status_code == 400
    # Nobody is added where one of them does not exist.
    refused = eve.http.put(path, json={"user_ids": [world.alice.id, strangers[0]]})
    assert (refused.status_code, refused.json()["code"]) == (404, "user_not_found")
    both = {"user_ids": [world.alice.id, world.bob.id]}
    answer = eve.http.put(path, json=both)
    assert answer.status_code == 200, answer.text
    shown = eve.http.get(f"/chat-service/rooms/{room}/members").json()
    assert {member["user_id"] for member in shown["members"]} >= {eve.id}
    assert others_are_served(world) == []
