"""Rows 10 and 11: what a message or a room can be filled with until a command cannot be done.

Hours of an attacker's work are written into MongoDB.
"""

import json
from typing import Any

import httpx
import pymongo
import pytest
from tests.system.conftest import wait_for

from .world import Person, World

SECRET = "the text that must be gone"
MAX_EDITS = 500


class Edited:
    """A message in a room of its own, edited as often as said."""

    def __init__(self, world: World, writer: Person, edits: int, listed: int = 0) -> None:
        self.world = world
        self.writer = writer
        self.room = writer.create_room(world.alice)
        self.message_id = writer.write(self.room, SECRET).json()["id"]
        assert self.edit(f"{SECRET} 0").status_code == 200
        with world.chat_database() as database:
            messages = database["room_messages"]
            sample = messages.find_one({"conversation_id": self.room, "type": "message_edited"})
            assert sample is not None
            first = sample["seq"]
            for start in range(1, edits, 20_000):
                numbers = range(start, min(edits, start + 20_000))
                copies = [self._copy(sample, number) for number in numbers]
                messages.with_options(write_concern=pymongo.WriteConcern(1)).insert_many(
                    copies, ordered=False
                )
            self.last_seq = first + edits - 1
            seqs = list(range(first, first + edits))
            seqs *= max(1, listed // edits)
            messages.update_one(
                {"_id": self.message_id},
                {"$set": {"edit_seqs": seqs, "changed_seq": self.last_seq}},
            )

    def _copy(self, sample: dict[str, Any], number: int) -> dict[str, Any]:
        seq = sample["seq"] + number
        return {
            **sample,
            "_id": f"{self.room}-{seq:012d}",
            "seq": seq,
            "client_id": f"e{number}",
            "message": f"{SECRET} {number}",
        }

    def edit(self, message: str) -> httpx.Response:
        return self.writer.http.put(self._url, json={"message": message})

    def delete(self) -> httpx.Response:
        return self.writer.http.delete(self._url)

    @property
    def _url(self) -> str:
        return f"/chat-service/messages/{self.message_id}"

    def kept_texts(self) -> int:
        """Return how many texts are still on disk."""
        with self.world.chat_database() as database:
            return database["room_messages"].count_documents(
                {"conversation_id": self.room, "message": {"$regex": f"^{SECRET}"}}
            )

    def resumed_texts(self, after: int) -> set[str]:
        """Return the texts that a member gets who resumes after a seq."""
        texts = set()
        with self.world.alice.open() as socket:
            socket.hear("ready")
            socket.say(type="resume", conversations={self.room: after})
            while (found := socket.next()) is not None:
                event = json.loads(found[1])
                if event["type"] == "resumed":
                    return texts
                if event.get("conversation_id") == self.room and "message" in event:
                    texts.add(event["message"])
        raise AssertionError("the resume has not ended")


@pytest.mark.parametrize(("edits", "listed"), [(120_000, 120_000), (1_000, 323_000)])
def test_rows_10_and_11_a_message_edited_without_end_is_deleted_at_once(
    world: World, mallory: Person, edits: int, listed: int
):
    edited = Edited(world, mallory, edits, listed)
    before = edited.last_seq - 400
    assert len(edited.resumed_texts(before)) == 400
    deleted = edited.delete()
    assert deleted.status_code == 200, deleted.text
    assert edited.resumed_texts(before) == {""}
    assert world.alice.texts(edited.room) == [""]
    assert edited.delete().status_code == 404
    assert world.alice.write(edited.room, "the room goes on").status_code == 200
    wait_for(lambda: edited.kept_texts() == 0, 120, "all edits to be erased")


def test_row_10_edits_of_a_message_are_bounded(world: World, mallory: Person):
    edited = Edited(world, mallory, MAX_EDITS - 1)
    assert edited.edit("the last one").status_code == 200
    for _ in range(3):
        refused = edited.edit("one more")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
        assert refused.json()["max_edits"] == MAX_EDITS
    assert edited.delete().status_code == 200
    assert edited.kept_texts() == 0
    assert world.alice.texts(edited.room) == [""]


def test_row_10_a_message_as_large_as_mongodb_allows_is_deleted(world: World, mallory: Person):
    room = mallory.create_room(world.alice)
    message_id = mallory.write(room, SECRET).json()["id"]
    long = [{"emoji": f"{number:0320d}", "user_id": mallory.id} for number in range(40_000)]
    with world.chat_database() as database:
        database["room_messages"].update_one({"_id": message_id}, {"$set": {"reactions": long}})
    deleted = mallory.http.delete(f"/chat-service/messages/{message_id}")
    assert deleted.status_code == 200, deleted.text
    assert world.alice.texts(room) == [""]
    assert mallory.write(room, "the room goes on").status_code == 200
