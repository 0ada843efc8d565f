import random

import pytest
from torture.people import Target
from torture.recent import Recent
from torture.sending import Draft

ROOM = Target("01kax40c6p8r2t4v7x9z1b3d5g", room_id="01kax40c6p8r2t4v7x9z1b3d5g")
MINE = Draft("me", ROOM, "1", "Lunch?")
ABOUT = {"client_id": "2", "message_id": "01kax40c6p8r2t4v7x9z1b3d5g-000000000008"}


def chance() -> random.Random:
    return random.Random(1)


def test_only_ones_own_acknowledged_messages_are_edited_and_deleted():
    recent = Recent()
    recent.note(MINE, None)
    assert recent.edit("me", chance()) is None
    recent.note(MINE, 8)
    edit, deletion = recent.edit("me", chance()), recent.delete("me", chance())
    assert (edit.action, edit.target, edit.message_seq) == ("message_edited", ROOM, 8)
    assert (deletion.action, deletion.target, deletion.message_seq) == ("message_deleted", ROOM, 8)
    assert edit.message != MINE.message
    assert recent.edit("you", chance()) is None
    assert recent.delete("you", chance()) is None


def test_everybody_reacts_to_a_message_and_takes_back_what_was_acknowledged_once():
    recent = Recent()
    assert recent.react("you", ROOM, chance()) is None
    recent.note(MINE, 8)
    reaction = recent.react("you", ROOM, chance())
    assert (reaction.action, reaction.message_seq) == ("reaction_added", 8)
    assert recent.unreact("you") is None
    recent.note(reaction, 9)
    removal = recent.unreact("you")
    assert (removal.action, removal.message_seq) == ("reaction_removed", 8)
    assert removal.message == reaction.message
    assert recent.unreact("you") is None


@pytest.mark.parametrize(
    ("action", "text", "command"),
    [
        ("message_edited", "Soup?", ("edit", {**ABOUT, "message": "Soup?"})),
        ("message_deleted", "", ("delete", ABOUT)),
        ("reaction_added", "👍", ("react", {**ABOUT, "emoji": "👍", "remove": False})),
        ("reaction_removed", "👍", ("react", {**ABOUT, "emoji": "👍", "remove": True})),
    ],
)
def test_a_change_is_asked_for_by_a_command(action: str, text: str, command: tuple[str, dict]):
    assert Draft("me", ROOM, "2", text, action, 8).command() == command


def test_a_message_is_sent_by_a_command():
    assert MINE.command() == (
        "send",
        {"client_id": "1", "message": "Lunch?", "room_id": ROOM.room_id},
    )
