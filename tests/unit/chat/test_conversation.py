from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.conversation import (
    MAX_MEMBERS,
    AddMember,
    Command,
    Conversation,
    CreateRoom,
    Entry,
    LeaveRoom,
    MemberLeft,
    MessagePosted,
    PostMessage,
    apply,
    decide,
)
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    UserId,
    new_id,
    private_conversation_id,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOM = ConversationId(new_id())
PEOPLE = [UserId(new_id()) for _ in range(4)]
ALICE, BOB, CAROL, DAVE = PEOPLE
CLIENT = ClientId("c1")


def created(*members: UserId) -> Conversation:
    command = CreateRoom(ROOM, ALICE, CLIENT, "Tea", members)
    return apply(Conversation(ROOM), decide(Conversation(ROOM), command, NOW))


def refusal(state: Conversation, command: Command) -> ErrorCode:
    with pytest.raises(ChatterRoomError) as refused:
        decide(state, command, NOW)
    return refused.value.code


def test_the_creator_is_a_member_and_nobody_twice():
    state = created(BOB, ALICE, BOB)
    assert list(state.members) == [ALICE, BOB]
    assert (state.seq, state.message_index, state.creator_id) == (1, 0, ALICE)


def test_a_room_cannot_be_created_twice():
    command = CreateRoom(ROOM, BOB, CLIENT, "Coffee", ())
    assert refusal(created(), command) is ErrorCode.ROOM_EXISTS


def test_only_members_write():
    post = PostMessage(ROOM, BOB, CLIENT, "hi")
    assert refusal(created(), post) is ErrorCode.ROOM_NOT_FOUND
    assert refusal(Conversation(ROOM), post) is ErrorCode.ROOM_NOT_FOUND
    assert decide(created(BOB), post, NOW).seq == 2


def test_a_message_takes_the_next_number_and_the_next_index():
    entry = decide(created(), PostMessage(ROOM, ALICE, CLIENT, "hi"), NOW)
    assert isinstance(entry, MessagePosted)
    assert (entry.seq, entry.message_index, entry.message) == (2, 1, "hi")
    assert entry.created_at == entry.updated_at == NOW


def test_a_private_chat_needs_no_members():
    conversation = private_conversation_id(ALICE, BOB)
    post = PostMessage(conversation, ALICE, CLIENT, "psst", BOB)
    entry = decide(Conversation(conversation), post, NOW)
    assert isinstance(entry, MessagePosted)
    assert (entry.seq, entry.message_index, entry.receiver_id) == (1, 1, BOB)


def test_a_stranger_cannot_add_anybody_but_a_member_and_a_service_can():
    add = AddMember(ROOM, CAROL, CLIENT, CAROL)
    assert refusal(created(), add) is ErrorCode.ROOM_NOT_FOUND
    assert decide(created(), AddMember(ROOM, ALICE, CLIENT, CAROL), NOW).seq == 2
    assert decide(created(), AddMember(ROOM, CAROL, CLIENT, CAROL, by_service=True), NOW)


def test_not_even_a_service_adds_to_a_room_that_does_not_exist():
    add = AddMember(ROOM, CAROL, CLIENT, CAROL, by_service=True)
    assert refusal(Conversation(ROOM), add) is ErrorCode.ROOM_NOT_FOUND


def test_a_member_is_not_added_twice():
    add = AddMember(ROOM, ALICE, CLIENT, BOB)
    assert refusal(created(BOB), add) is ErrorCode.ALREADY_A_MEMBER


def test_a_room_has_a_limit():
    many = tuple(UserId(f"u{number}") for number in range(MAX_MEMBERS))
    command = CreateRoom(ROOM, ALICE, CLIENT, "Tea", many)
    assert refusal(Conversation(ROOM), command) is ErrorCode.TOO_MANY_MEMBERS
    full = created(*many[1:])
    assert len(full.members) == MAX_MEMBERS
    assert refusal(full, AddMember(ROOM, ALICE, CLIENT, BOB)) is ErrorCode.TOO_MANY_MEMBERS


def test_who_left_is_out_at_once():
    state = created(BOB)
    after = apply(state, decide(state, LeaveRoom(ROOM, BOB, CLIENT), NOW))
    assert refusal(after, PostMessage(ROOM, BOB, CLIENT, "hi")) is ErrorCode.ROOM_NOT_FOUND
    assert BOB in state.members, "states are values: the one before is untouched"


def test_an_entry_that_is_not_the_next_is_not_applied():
    state = created()
    entry = decide(state, PostMessage(ROOM, ALICE, CLIENT, "hi"), NOW)
    with pytest.raises(ValueError, match="does not follow"):
        apply(apply(state, entry), entry)


people = st.sampled_from(PEOPLE)
commands = st.one_of(
    st.builds(PostMessage, st.just(ROOM), people, st.just(CLIENT), st.just("hi")),
    st.builds(AddMember, st.just(ROOM), people, st.just(CLIENT), people),
    st.builds(LeaveRoom, st.just(ROOM), people, st.just(CLIENT)),
    st.builds(
        CreateRoom, st.just(ROOM), people, st.just(CLIENT), st.just("Tea"), st.tuples(people)
    ),
)


@given(st.lists(commands, max_size=40))
def test_whatever_is_asked_the_log_is_dense_and_says_who_is_in(asked: list[Command]):
    state = Conversation(ROOM)
    entries: list[Entry] = []
    for number, command in enumerate(asked):
        try:
            entry = decide(state, command, NOW + timedelta(seconds=number))
        except ChatterRoomError:
            continue
        if not isinstance(command, CreateRoom | AddMember):
            assert command.sender_id in state.members
        entries.append(entry)
        state = apply(state, entry)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    messages = [entry for entry in entries if isinstance(entry, MessagePosted)]
    assert [entry.message_index for entry in messages] == list(range(1, len(messages) + 1))
    assert state.message_index == len(messages)
    gone = [entry.user_id for entry in entries if isinstance(entry, MemberLeft)][-1:]
    if entries and isinstance(entries[-1], MemberLeft):
        assert gone[0] not in state.members


@given(st.lists(commands, max_size=40))
def test_folding_the_log_again_gives_the_same_state(asked: list[Command]):
    state = again = Conversation(ROOM)
    for command in asked:
        try:
            entry = decide(state, command, NOW)
        except ChatterRoomError:
            continue
        state = apply(state, entry)
        again = apply(again, entry)
    assert again == state
