"""What is unread, and who has read it: the list, the marks and the sockets say the same."""

import asyncio
import itertools
import random
from typing import Any

import pytest

from chatterroom.client import Client, Tokens

from .world import Person, World

CHAT = "/chat-service"


def listed(person: Person, room: str) -> dict[str, Any]:
    page = person.http.get(f"{CHAT}/conversations?limit=200").json()
    return next(each for each in page["conversations"] if each["conversation_id"] == room)


def marks(person: Person, room: str) -> dict[str, dict[str, Any]]:
    answer = person.http.get(f"{CHAT}/conversations/{room}/marks")
    assert answer.status_code == 200, answer.text
    return {mark["user_id"]: mark for mark in answer.json()["marks"]}


def mark_read(person: Person, room: str, index: int) -> dict[str, Any]:
    answer = person.http.put(f"{CHAT}/conversations/{room}/read", json={"message_index": index})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def add(person: Person, room: str, other: Person) -> None:
    body = {"user_id": other.id}
    ok(person.http.put(f"{CHAT}/rooms/{room}/add", json=body))


OTHER_ENTRIES = {
    "reaction": lambda p, room, id_: p.http.put(f"{CHAT}/messages/{id_}/reactions/👍"),
    "pin": lambda p, room, id_: p.http.put(f"{CHAT}/messages/{id_}/pin"),
    "rename": lambda p, room, id_: p.http.patch(f"{CHAT}/rooms/{room}", json={"room_name": "New"}),
}


@pytest.mark.parametrize("kind", OTHER_ENTRIES)
def test_what_is_no_message_does_not_make_a_room_read(alice: Person, bob: Person, kind: str):
    room = bob.create_room(alice)
    mark_read(alice, room, 0)
    sent = [ok(bob.write(room, f"{n} @{alice.username}")) for n in range(5)]
    ok(OTHER_ENTRIES[kind](bob, room, sent[0]["id"]))
    if kind != "rename":  # alice is no admin there
        assert OTHER_ENTRIES[kind](alice, room, sent[1]["id"]).status_code == 200
    shown = listed(alice, room)
    assert (shown["unread"], shown["read_index"]) == (5, 0)
    assert marks(alice, room)[alice.id]["read_index"] == 0


def test_deleted_messages_are_not_unread(alice: Person, bob: Person):
    room = bob.create_room(alice)
    mark_read(alice, room, 0)
    sent = [ok(bob.write(room, f"{n}")) for n in range(4)]
    for each in sent[:3]:
        ok(bob.http.delete(f"{CHAT}/messages/{each['id']}"))
    assert listed(alice, room)["unread"] == 1
    assert mark_read(alice, room, 2)["unread"] == 1
    ok(bob.http.delete(f"{CHAT}/messages/{sent[3]['id']}"))
    assert listed(alice, room)["unread"] == 0


def test_being_added_is_unread_until_one_looks_or_writes(world: World, alice: Person):
    for look in ("mark", "write"):
        newcomer = Person(world, "nina")
        room = alice.create_room()
        ok(alice.write(room, "before"))
        add(alice, room, newcomer)
        shown = listed(newcomer, room)
        assert (shown["unread"], shown["added_by"], shown["read_index"]) == (1, alice.id, 1)
        ok(alice.write(room, "after"))
        assert listed(newcomer, room)["unread"] == 1  # a message now, no longer the addition
        if look == "mark":
            assert mark_read(newcomer, room, 1)["unread"] == 1
        else:
            ok(newcomer.write(room, "hello"))
        shown = listed(newcomer, room)
        assert (shown["unread"], shown["added_by"]) == (int(look == "mark"), None)
        # The one who opens a room knows of it.
        assert listed(alice, room)["added_by"] is None


def test_receipts_begin_with_the_entry_that_brought_somebody_in(world: World, alice: Person):
    newcomer = Person(world, "nina")
    room = alice.create_room()
    for text in ("one", "two"):
        ok(alice.write(room, text))
    add(alice, room, newcomer)
    assert marks(alice, room)[newcomer.id]["joined_index"] == 2
    ok(alice.write(room, "three"))
    mark = marks(alice, room)[newcomer.id]
    assert (mark["joined_index"], mark["read_index"]) == (2, 2)
    mark_read(newcomer, room, 3)
    mark = marks(alice, room)[newcomer.id]
    assert (mark["joined_index"], mark["read_index"]) == (2, 3)
    # A second time begins again.
    ok(newcomer.http.put(f"{CHAT}/rooms/{room}/leave", json={"user_id": newcomer.id}))
    ok(alice.write(room, "four"))
    add(alice, room, newcomer)
    mark = marks(alice, room)[newcomer.id]
    assert (mark["joined_index"], mark["read_index"]) == (4, 4)


async def as_the_client_library_says(person: Person, room: str) -> tuple[int, int, int]:
    tokens = Tokens(person.token, "", person.id, "", 900)
    async with Client(person.world.platform.url, tokens=tokens) as client:
        listed = [each async for each in client.conversations() if each.conversation_id == room]
        marks = [each for each in await client.marks(room) if each.user_id == person.id]
    return listed[0].unread, listed[0].read_index, marks[0].read_index


class Model:
    """A room as its messages and memberships say: how many are unread to whom."""

    def __init__(self, people: list[Person]) -> None:
        self.messages: list[dict[str, Any]] = []
        self.read = {person.id: 0 for person in people}
        self.news = {person.id: person is not people[0] for person in people}

    def unread(self, person: Person) -> int:
        behind = self.messages[self.read[person.id] :]
        return sum(not each["deleted"] for each in behind) or int(self.news[person.id])


@pytest.mark.parametrize("seed", range(2))
def test_list_marks_and_sockets_agree_whatever_happens(
    world: World, alice: Person, bob: Person, seed: int
):
    dice = random.Random(seed)
    people = [alice, bob, Person(world, "carl")]
    room = alice.create_room(*people[1:])
    model = Model(people)
    names = itertools.count()
    for _ in range(50):
        person = dice.choice(people)
        alive = [each for each in model.messages if not each["deleted"]]
        own = [each for each in alive if each["sender_id"] == person.id]
        match dice.choice(("write", "write", "react", "pin", "rename", "delete", "mark")):
            case "write":
                sent = ok(person.write(room, "hello"))
                model.messages.append({"id": sent["id"], "sender_id": person.id, "deleted": False})
                model.read[person.id] = len(model.messages)
                model.news[person.id] = False
            case "react" if alive:
                id_ = dice.choice(alive)["id"]
                person.http.put(f"{CHAT}/messages/{id_}/reactions/👍")
            case "pin" if alive:
                person.http.put(f"{CHAT}/messages/{dice.choice(alive)['id']}/pin")
            case "rename":
                name = {"room_name": f"Room {next(names)}"}
                alice.http.patch(f"{CHAT}/rooms/{room}", json=name)
            case "delete" if own:
                gone = dice.choice(own)
                ok(person.http.delete(f"{CHAT}/messages/{gone['id']}"))
                gone["deleted"] = True
            case "mark":
                index = dice.randint(0, len(model.messages))
                model.read[person.id] = max(model.read[person.id], index)
                model.news[person.id] = False
                answer = mark_read(person, room, index)
                assert answer["read_index"] == model.read[person.id]
                assert answer["unread"] == model.unread(person)
        shown = {each.id: listed(each, room) for each in people}
        said = marks(person, room)
        for each in people:
            assert shown[each.id]["unread"] == model.unread(each)
            assert shown[each.id]["read_index"] == model.read[each.id]
            assert said[each.id]["read_index"] == model.read[each.id]
    for person in people:
        unread, read_index, mark = asyncio.run(as_the_client_library_says(person, room))
        assert (unread, read_index, mark) == (
            model.unread(person),
            model.read[person.id],
            model.read[person.id],
        )
        with person.open() as socket:
            ready = socket.hear("ready")
        mine = next(each for each in ready["conversations"] if each["conversation_id"] == room)
        assert mine["read_index"] == model.read[person.id]
