"""What a reaction may be, by the vectors that the web client has, too."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.conversation import Conversation, Member, ReactToMessage, decide
from chatterroom.chat.entries import MessagePosted, Reaction, ReactionAdded, ReactionRemoved
from chatterroom.chat.reactions import normalised, parse_reaction
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, UserId, new_id, room_conversation_id

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance" / "reactions.json").read_text(encoding="utf-8")
)
ROOM = room_conversation_id(new_id())
ME, OTHER = UserId(new_id()), UserId(new_id())
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(("sent", "spelled"), VECTORS["reactions"], ids=ascii)
def test_a_reaction_has_one_spelling(sent: str, spelled: str):
    assert parse_reaction(sent) == spelled
    assert parse_reaction(spelled) == spelled


@pytest.mark.parametrize("sent", VECTORS["refused"], ids=ascii)
def test_what_is_no_reaction_is_refused(sent: str):
    with pytest.raises(ChatterRoomError) as refused:
        parse_reaction(sent)
    assert (refused.value.code, refused.value.data["field"]) == (
        ErrorCode.INVALID_REQUEST,
        "emoji",
    )


@given(st.text(alphabet="👍❤🏽\u200d\ufe0f\ufe0e🇩1\u20e3a:./ ", max_size=8))
def test_normalising_twice_changes_nothing(text: str):
    if (spelled := normalised(text)) is not None:
        assert normalised(spelled) == spelled
        assert spelled.strip("./ ") == spelled


def react(*stored: tuple[str, UserId], emoji: str, remove: bool = False):
    target = MessagePosted(
        conversation_id=ROOM,
        seq=2,
        message_index=1,
        sender_id=OTHER,
        client_id=ClientId("c"),
        created_at=NOW,
        message="hello",
        updated_at=NOW,
        reactions=tuple(Reaction(*each) for each in stored),
    )
    state = Conversation(ROOM, 2, 1, members={ME: Member(NOW), OTHER: Member(NOW)})
    command = ReactToMessage(ROOM, ME, ClientId("r"), 2, emoji, remove)
    return decide(state, command, NOW, target)


def test_a_reaction_takes_the_spelling_that_the_message_has():
    added = react(("❤", OTHER), emoji="❤️")
    assert isinstance(added, ReactionAdded)
    assert added.emoji == "❤"


@pytest.mark.parametrize("emoji", ["❤", "❤️"], ids=ascii)
def test_the_same_reaction_in_another_spelling_is_unchanged(emoji: str):
    with pytest.raises(ChatterRoomError) as refused:
        react(("❤", ME), emoji=emoji)
    assert refused.value.code is ErrorCode.UNCHANGED


@pytest.mark.parametrize(
    ("stored", "emoji"),
    [("❤", "❤️"), ("❤️", "❤"), ("..", ".."), ("ok", "ok"), ("+1", "+1")],
    ids=ascii,
)
def test_what_an_earlier_version_stored_can_be_taken_back(stored: str, emoji: str):
    removed = react((stored, ME), emoji=emoji, remove=True)
    assert isinstance(removed, ReactionRemoved)
    assert removed.emoji == stored


def test_of_two_spellings_the_one_that_is_named_is_taken_back():
    removed = react(("❤", ME), ("❤️", ME), emoji="❤️", remove=True)
    assert isinstance(removed, ReactionRemoved)
    assert removed.emoji == "❤️"
