"""Rows 11, 12, 14 to 16 and 48 to 50: what one may not see, and what may not be done twice."""

from collections.abc import Callable

import httpx
import pytest

from chatterroom.core.ids import new_id

from .wire import status_of
from .world import NOBODY, Person, World

# What can be asked of a room, and of a message in it.
OF_A_ROOM: dict[str, Callable[[Person, str], httpx.Response]] = {
    "history": lambda who, room: who.http.get(f"/chat-service/rooms/{room}"),
    "members": lambda who, room: who.http.get(f"/chat-service/rooms/{room}/members"),
    "send": lambda who, room: who.write(room, "hi"),
    "rename": lambda who, room: who.http.patch(
        f"/chat-service/rooms/{room}", json={"room_name": "x"}
    ),
    "add": lambda who, room: who.http.put(
        f"/chat-service/rooms/{room}/add", json={"user_id": who.world.bob.id}
    ),
    "leave": lambda who, room: who.http.put(
        f"/chat-service/rooms/{room}/leave", json={"user_id": who.id}
    ),
    "remove": lambda who, room: who.http.delete(
        f"/chat-service/rooms/{room}/members/{who.world.bob.id}"
    ),
    "role": lambda who, room: who.http.put(
        f"/chat-service/rooms/{room}/members/{who.id}/role", json={"role": "owner"}
    ),
    "marks": lambda who, room: who.http.get(f"/chat-service/conversations/{room}/marks"),
    "pins": lambda who, room: who.http.get(f"/chat-service/conversations/{room}/pins"),
    "typing": lambda who, room: who.http.post(f"/chat-service/conversations/{room}/typing"),
    "read": lambda who, room: who.http.put(
        f"/chat-service/conversations/{room}/read", json={"message_index": 1}
    ),
    "edit": lambda who, room: who.http.put(
        f"/chat-service/messages/{room}-000000000002", json={"message": "x"}
    ),
    "delete": lambda who, room: who.http.delete(f"/chat-service/messages/{room}-000000000002"),
    "react": lambda who, room: who.http.put(
        f"/chat-service/messages/{room}-000000000002/reactions/👍"
    ),
    "pin": lambda who, room: who.http.put(f"/chat-service/messages/{room}-000000000002/pin"),
}


def told(answer: httpx.Response, room: str) -> tuple[int, str]:
    return answer.status_code, answer.text.replace(room, "ROOM")


@pytest.mark.parametrize("name", OF_A_ROOM)
def test_row_11_a_room_of_others_is_like_a_room_that_does_not_exist(world: World, name: str):
    ask = OF_A_ROOM[name]
    theirs, nowhere = ask(world.mallory, world.room), ask(world.mallory, NOBODY)
    assert told(theirs, world.room) == told(nowhere, NOBODY)
    assert theirs.status_code == 404


def test_row_11_a_socket_of_a_room_of_others_is_closed(world: World, mallory: Person):
    for room in (world.room, NOBODY):
        with mallory.open(room_id=room) as socket:
            assert socket.hear("error")["code"] == "room_not_found"
            assert socket.closed_with() == 4404
    with mallory.open() as socket:
        followed = {each["conversation_id"] for each in socket.hear("ready")["conversations"]}
        assert world.room not in followed
        socket.say(type="resume", conversations={world.room: 0})
        assert socket.hear("resumed")["unknown"] == [world.room]
        socket.say(type="send", room_id=world.room, message="hi", ref="1")
        assert socket.hear("error")["code"] == "room_not_found"


def test_row_10_who_writes_on_a_socket_is_who_opened_it(world: World, mallory: Person):
    with mallory.open(room_id=world.shared_room) as socket:
        socket.hear("ready")
        socket.say(type="resume")
        socket.hear("resumed")
        socket.say(type="send", message="it is me, Alice", sender_id=world.alice.id)
        assert socket.hear("message")["sender_id"] == mallory.id


def test_row_12_a_private_chat_of_two_others_does_not_exist(world: World, alice: Person):
    body = {"sender_id": alice.id, "receiver_id": world.bob.id, "message": "between us"}
    conversation = alice.http.post("/chat-service/private/send", json=body).json()[
        "conversation_id"
    ]
    for name in ("marks", "pins", "typing", "read", "edit", "delete", "react", "pin"):
        answer = OF_A_ROOM[name](world.mallory, conversation)
        assert answer.status_code == 404, name
        assert "between us" not in answer.text
    with world.mallory.open() as socket:
        socket.hear("ready")
        socket.say(type="resume", conversations={conversation: 0})
        assert socket.hear("resumed")["unknown"] == [conversation]


def test_row_14_history_before_joining_and_after_leaving(alice: Person, mallory: Person):
    room = alice.create_room()
    path = f"/chat-service/rooms/{room}"
    alice.write(room, "before")
    changed = alice.http.patch(path, json={"settings": {"history": "since_joining"}})
    assert changed.status_code == 200, changed.text
    alice.http.put(f"{path}/add", json={"user_id": mallory.id})
    alice.write(room, "while")
    assert mallory.texts(room) == ["while"]
    assert mallory.http.get(path, params={"before": 3}).json()["messages"] == []
    with mallory.open(room_id=room) as socket:
        socket.hear("ready")
        socket.say(type="resume", conversations={room: 0})
        assert socket.hear("message")["message"] == "while"
    assert mallory.http.put(f"{path}/leave", json={"user_id": mallory.id}).status_code == 200
    alice.write(room, "after")
    assert mallory.http.get(path).status_code == 404
    with mallory.open() as socket:
        assert room not in str(socket.hear("ready"))


@pytest.mark.parametrize("path", ["/ws/alert", "/ws/chat"])
def test_row_15_a_socket_of_somebody_else(world: World, mallory: Person, path: str):
    headers = {"Authorization": f"Bearer {mallory.token}"}
    with world.open(f"{path}?userId={world.alice.id}", **headers) as socket:
        assert status_of(socket.head) == 403
        assert b"identity_mismatch" in socket.head
    for query in (f"?userId={mallory.id}&userId={world.alice.id}", f"?userId={mallory.id}"):
        with world.open(path + query, **headers) as socket:
            assert socket.is_open
            shown = socket.hear("ready")
            assert shown.get("user_id", mallory.id) == mallory.id


def test_row_48_a_client_id_belongs_to_its_user_and_its_first_text(world: World, mallory: Person):
    client_id = new_id()
    first = world.alice.write(world.shared_room, "first", client_id=client_id).json()
    again = world.alice.write(world.shared_room, "other", client_id=client_id).json()
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    another = mallory.write(world.shared_room, "mine", client_id=client_id).json()
    assert another["id"] != first["id"]
    assert world.bob.texts(world.shared_room)[-2:] == ["first", "mine"]


@pytest.mark.parametrize("seq", [-1, -(2**63), 1.5, "1", None, True, [], {}])
def test_row_49_a_seq_that_cannot_be_resumed_from(world: World, mallory: Person, seq: object):
    with mallory.open() as socket:
        socket.hear("ready")
        socket.say(type="resume", conversations={world.shared_room: seq}, ref="1")
        assert socket.hear("error")["code"] == "invalid_request"
        socket.say(type="ping", ref="2")
        assert socket.hear("pong")["ref"] == "2"


@pytest.mark.parametrize("seq", [2**53, 2**64, 10**30])
def test_row_49_a_seq_of_the_future_is_reset_to_what_there_is(
    world: World, mallory: Person, seq: int
):
    with mallory.open() as socket:
        socket.hear("ready")
        socket.say(type="resume", conversations={world.shared_room: seq})
        assert socket.hear("resumed")["conversations"][world.shared_room] < 2**53
        assert world.alice.write(world.shared_room, "and on").status_code == 200
        assert socket.hear("message")["message"] == "and on"


@pytest.mark.parametrize("after", ["-1", "9" * 30, "x", "%00", "1;DROP"])
def test_row_49_a_page_that_does_not_exist(world: World, mallory: Person, after: str):
    answer = mallory.http.get(f"/chat-service/rooms/{world.shared_room}?after={after}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_row_49_a_page_of_the_future_is_empty(world: World, mallory: Person):
    answer = mallory.http.get(f"/chat-service/rooms/{world.shared_room}?after={2**53 - 1}")
    assert (answer.status_code, answer.json()["messages"]) == (200, [])


def test_row_50_members_named_twice_and_oneself_count_once(world: World, mallory: Person):
    body = {
        "room_name": "x",
        "creator_id": mallory.id,
        "members_ids": [world.bob.id] * 1000 + [mallory.id] * 1000,
    }
    created = mallory.http.post("/chat-service/rooms/create", json=body)
    assert created.status_code == 200, created.text
    path = f"/chat-service/rooms/{created.json()['room_id']}/members"
    members = mallory.http.get(path).json()["members"]
    assert sorted(member["user_id"] for member in members) == sorted([mallory.id, world.bob.id])
