"""Rows 18 and 19 of "One user against all": what reaches somebody who has blocked the sender, and
who still sees whether somebody is online."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from .wire import WebSocket
from .world import Person, World


@pytest.fixture
def victim(world: World) -> Person:
    return Person(world, "victim")


@pytest.fixture
def blocked(world: World) -> Person:
    return Person(world, "blocked")


def write(sender: Person, receiver: Person, message: str = "hello") -> dict[str, Any]:
    body = {"sender_id": sender.id, "receiver_id": receiver.id, "message": message}
    answer = sender.http.post("/chat-service/private/send", json=body)
    assert answer.status_code == 200, answer.text
    sent: dict[str, Any] = answer.json()
    return sent


def block(who: Person, other: Person) -> None:
    assert who.http.put(f"/chat-service/blocks/{other.id}").status_code == 200


def follow(socket: WebSocket) -> None:
    socket.hear("ready")
    socket.say(type="resume")
    socket.hear("resumed")


def heard_until_pong(socket: WebSocket) -> list[dict[str, Any]]:
    """Return what has been sent to a socket."""
    socket.say(type="ping", ref="now")
    events = []
    while True:
        found = socket.next()
        assert found is not None
        event = json.loads(found[1])
        if event["type"] == "pong":
            return events
        events.append(event)


def online(viewer: Person, user: Person) -> bool:
    answer = viewer.http.get("/chat-service/presence", params={"ids": user.id})
    assert answer.status_code == 200, answer.text
    found: bool = answer.json()["users"][0]["online"]
    return found


# What somebody may try in a private chat: with a message of theirs, and one of the other's.
TRIED: dict[str, Callable[[Person, str, str], httpx.Response]] = {
    "pins": lambda who, own, theirs: who.http.put(f"/chat-service/messages/{theirs}/pin"),
    "pins their own": lambda who, own, theirs: who.http.put(f"/chat-service/messages/{own}/pin"),
    "unpins": lambda who, own, theirs: who.http.delete(f"/chat-service/messages/{own}/pin"),
    "reacts": lambda who, own, theirs: who.http.put(
        f"/chat-service/messages/{theirs}/reactions/%F0%9F%91%8B"
    ),
    "edits": lambda who, own, theirs: who.http.put(
        f"/chat-service/messages/{own}", json={"message": "still here"}
    ),
    "types": lambda who, own, theirs: who.http.post(
        f"/chat-service/conversations/{own.partition('-')[0]}/typing"
    ),
}


@pytest.mark.parametrize("name", TRIED)
@pytest.mark.parametrize("blocks_back", [False, True])
def test_row_18_nothing_but_a_deletion_reaches_who_has_blocked(
    victim: Person, blocked: Person, name: str, blocks_back: bool
):
    own, theirs = write(blocked, victim), write(victim, blocked)
    if name == "unpins":
        assert TRIED["pins their own"](blocked, own["id"], theirs["id"]).status_code == 200
    with victim.open() as socket:
        follow(socket)
        block(victim, blocked)
        if blocks_back:
            block(blocked, victim)
        refused = TRIED[name](blocked, own["id"], theirs["id"])
        assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
        gone = blocked.http.delete(f"/chat-service/messages/{own['id']}")
        assert gone.status_code == 200, gone.text
        heard = {event["type"] for event in heard_until_pong(socket)}
        heard |= (
            {socket.hear("message_deleted")["type"]} if "message_deleted" not in heard else set()
        )
        assert heard <= {"block", "message_deleted"}


def test_row_18_the_same_on_a_socket(victim: Person, blocked: Person):
    own, theirs = write(blocked, victim), write(victim, blocked)
    block(victim, blocked)
    with blocked.open() as socket:
        follow(socket)
        for command in (
            {"type": "pin", "message_id": theirs["id"]},
            {"type": "react", "message_id": theirs["id"], "emoji": "👍"},
            {"type": "edit", "message_id": own["id"], "message": "x"},
            {"type": "send", "receiver_id": victim.id, "message": "x"},
            {"type": "typing", "conversation_id": own["conversation_id"]},
        ):
            socket.say(**command)
            assert socket.hear("error")["code"] == "blocked", command


@pytest.mark.parametrize("marks_first", ["victim", "blocked"])
def test_row_18_marks_are_shown_to_neither(victim: Person, blocked: Person, marks_first: str):
    reader, other = (victim, blocked) if marks_first == "victim" else (blocked, victim)
    chat = write(reader, other)["conversation_id"]
    # The newest message is not the reader's own: that one counts as read without a mark.
    write(other, reader)
    block(victim, blocked)
    path = f"/chat-service/conversations/{chat}"
    with other.open() as socket, reader.open() as own:
        follow(socket)
        follow(own)
        for kind in ("delivered", "read"):
            marked = reader.http.put(f"{path}/{kind}", json={"message_index": 2})
            assert marked.status_code == 200, marked.text
            own.hear("marks")
        assert all(event["type"] != "marks" for event in heard_until_pong(socket))
    for viewer in (reader, other):
        shown = viewer.http.get(f"{path}/marks").json()["marks"]
        assert [mark["user_id"] for mark in shown] == [viewer.id]


def test_row_18_presence_is_shown_to_neither(victim: Person, blocked: Person):
    write(blocked, victim)
    room = victim.create_room(blocked)
    block(victim, blocked)
    with victim.open() as one, blocked.open() as other:
        for socket, watched in ((one, blocked), (other, victim)):
            follow(socket)
            socket.say(type="watch_presence", user_ids=[watched.id])
            assert socket.hear("presence")["users"] == [{"user_id": watched.id, "online": False}]
        assert not online(victim, blocked)
        assert not online(blocked, victim)
        members = blocked.http.get(f"/chat-service/rooms/{room}/members").json()["members"]
        assert not any(each["connected"] for each in members if each["user_id"] == victim.id)


def test_row_18_a_block_ends_what_was_watched_before(victim: Person, blocked: Person):
    write(blocked, victim)
    with victim.open() as one, blocked.open() as other:
        follow(one)
        follow(other)
        other.say(type="watch_presence", user_ids=[victim.id])
        while other.hear("presence")["users"] != [{"user_id": victim.id, "online": True}]:
            pass
        block(victim, blocked)
        assert other.hear("presence")["users"] == [{"user_id": victim.id, "online": False}]


def leave(who: Person, room: str) -> None:
    body = {"user_id": who.id}
    assert who.http.put(f"/chat-service/rooms/{room}/leave", json=body).status_code == 200


def remove(by: Person, who: Person, room: str) -> None:
    path = f"/chat-service/rooms/{room}/members/{who.id}"
    assert by.http.delete(path).status_code == 200


ENDS: dict[str, Callable[[Person, Person, str], None]] = {
    "both leave": lambda one, other, room: [leave(who, room) for who in (one, other)] and None,
    "the watcher leaves": lambda one, other, room: leave(one, room),
    "the watched leaves": lambda one, other, room: leave(other, room),
    "the watched is removed": remove,
}


@pytest.mark.parametrize("name", ENDS)
def test_row_19_presence_ends_with_the_last_conversation_shared(
    victim: Person, blocked: Person, name: str
):
    room = blocked.create_room(victim)
    with victim.open() as one, blocked.open() as other:
        follow(one)
        follow(other)
        other.say(type="watch_presence", user_ids=[victim.id])
        while other.hear("presence")["users"] != [{"user_id": victim.id, "online": True}]:
            pass
        ENDS[name](blocked, victim, room)
        assert other.hear("presence")["users"] == [{"user_id": victim.id, "online": False}]
        assert not online(blocked, victim)
    with victim.open():
        assert not online(blocked, victim)


def test_row_19_a_deleted_account_is_offline_at_once(victim: Person, blocked: Person):
    write(blocked, victim)
    with victim.open() as one, blocked.open() as other:
        follow(one)
        follow(other)
        other.say(type="watch_presence", user_ids=[victim.id])
        while other.hear("presence")["users"] != [{"user_id": victim.id, "online": True}]:
            pass
        body = {"password": victim.password}
        deleted = victim.http.post("/user-service/me/deletion", json=body)
        assert deleted.status_code == 200, deleted.text
        assert other.hear("presence")["users"] == [{"user_id": victim.id, "online": False}]
        assert not online(blocked, victim)
