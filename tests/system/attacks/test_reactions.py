"""Reactions are emoji or short names, in one spelling, on every way in."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from chatterroom.client import ApiError, Client, Tokens

from .world import Person, World

CHAT = "/chat-service"
NO_REACTIONS = ("..", ".", "/", "a/b", "+1", "\u200b", "\u202e", "👍👍", "👍\u0301", "x" * 33)


def sent(person: Person, room: str) -> str:
    return person.write(room, "hello").json()["id"]


def reactions(person: Person, room: str) -> list[dict[str, Any]]:
    page = person.http.get(f"{CHAT}/rooms/{room}").json()
    return page["messages"][-1]["reactions"]


def put(person: Person, message_id: str, emoji: str) -> Any:
    escaped = quote(emoji, safe="").replace(".", "%2E")
    return person.http.put(f"{CHAT}/messages/{message_id}/reactions/{escaped}")


@pytest.mark.parametrize("emoji", NO_REACTIONS, ids=ascii)
def test_what_is_no_reaction_is_refused_on_every_way(world: World, alice: Person, emoji: str):
    message_id = sent(alice, world.room)
    over_http = put(alice, message_id, emoji)
    assert over_http.status_code in {400, 404, 405}, over_http.text
    with alice.open() as socket:
        socket.hear("ready")
        socket.say(type="react", ref="1", message_id=message_id, emoji=emoji)
        assert socket.hear("error")["code"] == "invalid_request"
    assert reactions(alice, world.room) == []


def test_spellings_of_one_emoji_are_one_reaction(world: World, alice: Person, bob: Person):
    message_id = sent(alice, world.room)
    assert put(alice, message_id, "❤").status_code == 200
    assert put(bob, message_id, "❤\ufe0f").status_code == 200
    assert put(alice, message_id, "❤\ufe0f").json()["code"] == "unchanged"
    assert reactions(alice, world.room) == [{"emoji": "❤️", "user_ids": [alice.id, bob.id]}]


def test_taking_back_two_dots_leaves_the_message(world: World, alice: Person):
    """With the client library, which has to encode them, and as an earlier version stored them."""
    message_id = sent(alice, world.room)
    stored = {"reactions": [{"emoji": "..", "user_id": alice.id}]}
    with world.chat_database() as database:
        found = database["room_messages"].update_one({"_id": message_id}, {"$set": stored})
        assert found.matched_count == 1

    async def take_back() -> None:
        tokens = Tokens(alice.token, "", alice.id, "", 900)
        async with Client(world.platform.url, tokens=tokens) as client:
            await client.react(message_id, "..", remove=True)
            with pytest.raises(ApiError) as refused:
                await client.react(message_id, "..")
            assert refused.value.code == "invalid_request"

    asyncio.run(take_back())
    assert reactions(alice, world.room) == []
    assert alice.texts(world.room)[-1] == "hello"
