"""Row 1: pages as large as users can make them are bounded, and everybody is served."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chatterroom.chat.pages import MAX_PAGE_BYTES
from chatterroom.core.ids import new_id

from .stored import fill_room
from .test_health_is_not_traffic import others_are_served
from .world import Person, World

AT_ONCE = 24
ROUNDS = 3
MESSAGES = 135
# What one address has not taken is bounded (row 5): it may be cut off, and nobody else.
CUT = 0
# Names and brackets of the page itself.
FRAME_BYTES = 1_000
FOUR_BYTES = "\U0001f600" * 8_000
ESCAPED = "\x01" * 8_000


def reactions(count: int) -> list[dict[str, str]]:
    """Return reactions as long as they can be."""
    emoji = [f"{n:02}" + "\U0001f600" * 30 for n in range(50)]
    return [{"emoji": emoji[n % 50], "user_id": str(new_id())} for n in range(count)]


CONTENTS: dict[str, dict[str, Any]] = {
    "characters-of-four-bytes": {"message": FOUR_BYTES},
    "characters-that-json-escapes": {"message": ESCAPED},
    "reactions": {"message": "hello", "reactions": reactions(1_000), "changed_seq": 2},
    "all-of-it": {"message": FOUR_BYTES, "reactions": reactions(1_000), "changed_seq": 2},
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_row_1_large_messages_come_in_bounded_pages_and_others_are_served(
    world: World, content: dict[str, Any]
):
    eve = Person(world, "eve")
    room = eve.create_room()
    with world.chat_database() as database:
        fill_room(database, room, eve.id, MESSAGES, **content)

    def read(_: int) -> int:
        try:
            page = eve.http.get(f"/chat-service/rooms/{room}?limit=200")
        except httpx.TransportError:
            return CUT
        assert len(page.content) <= MAX_PAGE_BYTES + FRAME_BYTES
        return page.status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            reading = pool.map(read, range(AT_ONCE))
            assert others_are_served(world) == []
            assert 200 in (statuses := set(reading))
            # What one user has not taken yet is bounded, too.
            assert statuses <= {200, CUT, 429}
    seqs: list[int] = []
    query, more = "", True
    while more:
        page = eve.http.get(f"/chat-service/rooms/{room}?limit=200{query}").json()
        seqs[:0] = [message["seq"] for message in page["messages"]]
        query, more = f"&before={seqs[0]}", page["has_more"]
    assert seqs == list(range(2, MESSAGES + 2))


def test_row_1_pinned_messages_come_in_bounded_pages(world: World):
    eve = Person(world, "eve")
    room = eve.create_room()
    with world.chat_database() as database:
        fill_room(database, room, eve.id, MESSAGES, message=FOUR_BYTES, pinned=True, changed_seq=2)
    seqs: list[int] = []
    query, more = "", True
    while more:
        answer = eve.http.get(f"/chat-service/conversations/{room}/pins{query}")
        assert answer.status_code == 200
        assert len(answer.content) <= MAX_PAGE_BYTES + FRAME_BYTES
        page = answer.json()
        seqs[:0] = [message["seq"] for message in page["messages"]]
        query, more = f"?before={seqs[0]}", page["has_more"]
    assert seqs == list(range(2, MESSAGES + 2))


def test_row_1_a_message_does_not_grow_with_reactions_without_end(world: World):
    eve, known = Person(world, "eve"), "\U0001f44d"
    room = eve.create_room()
    with world.chat_database() as database:
        others = [each for each in reactions(1_100) if not each["emoji"].startswith("49")][:998]
        given = [*others, {"emoji": known, "user_id": str(new_id())}]
        fill_room(database, room, eve.id, 1, message="hi", reactions=given, changed_seq=1)
    path = f"/chat-service/messages/{room}-{2:012}/reactions"
    assert eve.http.put(f"{path}/{known}").status_code == 200
    refused = world.alice.http.put(f"{path}/{known}")
    assert refused.status_code == 404  # not in the room
    refused = eve.http.put(f"{path}/\U0001f680")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
