"""Whom a message mentions stays when names change hands."""

import secrets
from typing import Any

import pytest

from .world import Person, World

CHAT = "/chat-service"


def rename(person: Person, name: str) -> None:
    body = {"username": name}
    answer = person.http.patch("/user-service/me", json=body)
    assert answer.status_code == 200, answer.text


def last(person: Person, room: str) -> dict[str, Any]:
    return person.http.get(f"{CHAT}/rooms/{room}").json()["messages"][-1]


@pytest.mark.parametrize("text", ["hello again @{name}", "@{name}"])
def test_an_edit_mentions_whom_the_message_mentioned(world: World, alice: Person, text: str):
    first, second = Person(world, "first"), Person(world, "second")
    room = alice.create_room(first, second)
    name = f"ada-{secrets.token_hex(4)}"
    rename(first, name)
    sent = alice.write(room, f"hello @{name}")
    assert sent.status_code == 200
    shown = last(alice, room)
    assert (shown["mentions"], shown["mention_names"]) == ([first.id], [name])
    rename(first, f"{name}-old")
    rename(second, name)
    edited = alice.http.put(
        f"{CHAT}/messages/{sent.json()['id']}", json={"message": text.format(name=name)}
    )
    assert edited.status_code == 200, edited.text
    shown = last(alice, room)
    assert (shown["mentions"], shown["mention_names"]) == ([first.id], [name])
