import msgspec
import pytest

from chatterroom.client.events import (
    Acknowledged,
    MemberAdded,
    Message,
    Ready,
    Refusal,
    Unknown,
    decode_frame,
)

ENTRY = {
    "id": "r-000000000007",
    "conversation_id": "r",
    "room_id": "r",
    "seq": 7,
    "message_index": 5,
    "sender_id": "ada",
    "client_id": "c",
    "created_at": "2026-11-23T16:45:00.123Z",
}


def decode(**fields):
    return decode_frame(msgspec.json.encode(fields))


def test_known_types_are_decoded_and_new_fields_passed_over():
    event = decode(
        type="message", message="hi", updated_at=ENTRY["created_at"], mood="good", **ENTRY
    )
    assert isinstance(event, Message)
    assert (event.seq, event.message, event.receiver_id) == (7, "hi", None)
    assert event.created_at.isoformat() == "2026-11-23T16:45:00.123000+00:00"
    assert isinstance(decode(type="member_added", user_id="bob", **ENTRY), MemberAdded)
    ready = decode(type="ready", conversations=[{"conversation_id": "r", "seq": 7}])
    assert isinstance(ready, Ready)
    assert ready.conversations[0].seq == 7
    assert decode(type="ack", ref="1", seq=3) == Acknowledged("1")
    assert decode(type="error", code="nope", detail="No.", field="x") == Refusal("nope", "No.")


def test_an_entry_of_an_unknown_type_keeps_its_place_and_its_fields():
    event = decode(type="message_sung", melody="la", **ENTRY)
    assert isinstance(event, Unknown)
    assert (event.type, event.seq, event.conversation_id) == ("message_sung", 7, "r")
    assert event.fields["melody"] == "la"


def test_a_known_type_that_has_changed_beyond_recognition_is_unknown():
    event = decode(type="message", message={"parts": ["hi"]}, **ENTRY)
    assert isinstance(event, Unknown)
    assert event.seq == 7


def test_a_mark_that_mentions_a_seq_is_no_entry():
    event = decode(type="marks", conversation_id="r", seq=7)
    assert isinstance(event, Unknown)
    assert event.seq is None


@pytest.mark.parametrize("text", [b"", b"nonsense", b"[]", b"{}", b'{"type": 7}', b"\xff"])
def test_what_says_nothing_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"JSON|frame"):
        decode_frame(text)
