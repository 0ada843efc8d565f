import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    RoomId,
    UserId,
    is_private,
    message_id,
    new_id,
    parse_client_id,
    parse_conversation_id,
    parse_room_id,
    parse_user_id,
    private_conversation_id,
    room_conversation_id,
)

user_ids = st.builds(lambda _: UserId(new_id()), st.integers())


def test_ids_are_26_characters_that_every_parser_of_ulids_accepts():
    made = new_id()
    assert len(made) == 26
    assert parse_user_id(made) == parse_room_id(made) == parse_conversation_id(made) == made


def test_ids_are_unique_and_sort_by_time():
    earlier = new_id()
    then = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == then:
        pass
    assert earlier < new_id()
    assert len({new_id() for _ in range(10_000)}) == 10_000


@given(user_ids, user_ids)
def test_both_sides_of_a_private_chat_derive_the_same_conversation(one, other):
    conversation = private_conversation_id(one, other)
    assert conversation == private_conversation_id(other, one)
    assert parse_conversation_id(conversation) == conversation
    assert is_private(conversation)


def test_a_rooms_conversation_is_not_private():
    assert not is_private(room_conversation_id(RoomId(new_id())))


@given(st.integers(1, 10**12 - 1), st.integers(1, 10**12 - 1))
def test_message_ids_sort_like_their_seqs(one, other):
    conversation = room_conversation_id(RoomId("0" * 26))
    assert (one < other) == (message_id(conversation, one) < message_id(conversation, other))


@pytest.mark.parametrize(
    "text", ["", "x", "8" + "0" * 25, "0" * 25, "0" * 27, "0" * 25 + "\n", "I" * 26, "\0" * 26]
)
def test_what_is_no_id_is_malformed_and_names_its_field(text):
    with pytest.raises(ChatterRoomError) as caught:
        parse_user_id(text, "sender_id")
    assert caught.value.code is ErrorCode.MALFORMED_ID
    assert caught.value.data == {"field": "sender_id"}


@given(st.text(max_size=80))
def test_a_client_id_is_short_printable_ascii_without_spaces(text):
    good = 1 <= len(text) <= 64 and all("!" <= character <= "~" for character in text)
    if good:
        assert parse_client_id(text) == text
    else:
        with pytest.raises(ChatterRoomError):
            parse_client_id(text)
