"""What happened to a conversation is in its history, not only on the sockets."""

import asyncio
from typing import Any

import pytest

from chatterroom.client import Client, Tokens

from .world import Person, World

CHAT = "/chat-service"


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def history(person: Person, room: str, **query: Any) -> dict[str, Any]:
    return ok(person.http.get(f"{CHAT}/rooms/{room}", params=query))


@pytest.fixture
def eventful(world: World, alice: Person, bob: Person) -> tuple[str, Person]:
    """A room in which everything has happened once, and who was removed from it."""
    carl = Person(world, "carl")
    room = alice.create_room(bob)
    sent = ok(alice.write(room, "one"))
    ok(alice.http.patch(f"{CHAT}/rooms/{room}", json={"room_name": "Renamed"}))
    ok(alice.http.put(f"{CHAT}/rooms/{room}/add", json={"user_id": carl.id}))
    ok(alice.http.put(f"{CHAT}/rooms/{room}/members/{carl.id}/role", json={"role": "admin"}))
    ok(bob.http.put(f"{CHAT}/messages/{sent['id']}/reactions/👍"))
    ok(alice.http.put(f"{CHAT}/messages/{sent['id']}", json={"message": "two"}))
    ok(alice.http.put(f"{CHAT}/messages/{sent['id']}/pin"))
    ok(alice.http.delete(f"{CHAT}/rooms/{room}/members/{carl.id}"))
    ok(bob.http.put(f"{CHAT}/rooms/{room}/leave", json={"user_id": bob.id}))
    return room, carl


NOTICES = [
    "room_created",
    "room_updated",
    "member_added",
    "role_changed",
    "message_pinned",
    "member_removed",
    "member_left",
]


def test_a_history_has_notices_where_they_are_asked_for(
    alice: Person, eventful: tuple[str, Person]
):
    room, carl = eventful
    assert set(history(alice, room)) == {"messages", "has_more"}
    page = history(alice, room, entries="notices")
    assert [each["message"] for each in page["messages"]] == ["two"]
    assert [each["type"] for each in page["entries"]] == NOTICES
    renamed, added = page["entries"][1:3]
    assert (renamed["room_name"], renamed["sender_id"]) == ("Renamed", alice.id)
    assert (added["user_id"], added["sender_id"]) == (carl.id, alice.id)
    assert not page["has_more"]


def test_all_entries_are_those_of_the_log(alice: Person, eventful: tuple[str, Person]):
    room, _ = eventful
    page = history(alice, room, entries="all")
    seqs = sorted(each["seq"] for each in page["messages"] + page["entries"])
    assert seqs == list(range(1, 11))
    answer = alice.http.get(f"{CHAT}/rooms/{room}", params={"entries": "some"})
    assert (answer.status_code, answer.json()["field"]) == (400, "entries")


@pytest.mark.parametrize("kind", ["notices", "all"])
@pytest.mark.parametrize("direction", ["before", "after"])
def test_pages_joined_are_the_whole(
    alice: Person, eventful: tuple[str, Person], kind: str, direction: str
):
    room, _ = eventful
    whole = history(alice, room, entries=kind)
    expected = sorted(each["seq"] for each in whole["messages"] + whole["entries"])
    found: list[int] = []
    at = 0 if direction == "after" else 100
    for _ in range(10):
        page = history(alice, room, entries=kind, limit=3, **{direction: at})
        seqs = [each["seq"] for each in page["messages"] + page.get("entries", [])]
        assert len(seqs) <= 3
        found += seqs
        if not page["has_more"]:
            break
        at = max(seqs) if direction == "after" else min(seqs)
    assert sorted(found) == expected


def test_who_joined_a_room_that_hides_its_past_sees_their_joining_first(
    world: World, alice: Person
):
    newcomer = Person(world, "nina")
    room = alice.create_room()
    ok(alice.write(room, "before"))
    hidden = {"settings": {"history": "since_joining"}}
    ok(alice.http.patch(f"{CHAT}/rooms/{room}", json=hidden))
    ok(alice.http.put(f"{CHAT}/rooms/{room}/add", json={"user_id": newcomer.id}))
    page = history(newcomer, room, entries="all")
    assert page["messages"] == []
    assert [(each["type"], each["user_id"]) for each in page["entries"]] == [
        ("member_added", newcomer.id)
    ]


def test_notices_are_found_between_thousands_of_reactions(world: World, alice: Person):
    room = alice.create_room()
    sent = ok(alice.write(room, "one"))
    with world.chat_database() as database:
        messages = database["room_messages"]
        pattern = messages.find_one({"_id": sent["id"]})
        assert pattern is not None
        messages.insert_many(
            {
                **{k: pattern[k] for k in ("conversation_id", "message_index", "created_at")},
                "_id": f"{room}-{seq:012}",
                "type": "reaction_added",
                "seq": seq,
                "sender_id": alice.id,
                "client_id": f"c{seq}",
                "message_seq": 2,
                "emoji": "👍",
            }
            for seq in range(3, 3_500)
        )
    page = history(alice, room, entries="notices")
    assert [each["seq"] for each in page["messages"]] == [2]
    assert [each["type"] for each in page.get("entries", [])] in ([], ["room_created"])
    first = history(alice, room, entries="notices", before=2)
    assert [each["type"] for each in first["entries"]] == ["room_created"]


def test_the_client_library_has_them(world: World, alice: Person, eventful: tuple[str, Person]):
    room, _ = eventful

    async def read() -> list[str]:
        tokens = Tokens(alice.token, "", alice.id, "", 900)
        async with Client(world.platform.url, tokens=tokens) as client:
            page = await client.history(room_id=room, entries="notices")
        return [type(entry).__name__ for entry in page.entries]

    assert asyncio.run(read()) == [
        "RoomCreated",
        "RoomUpdated",
        "MemberAdded",
        "RoleChanged",
        "MessagePinned",
        "MemberRemoved",
        "MemberLeft",
    ]
