from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterroom.chat.conversation import (
    MAX_EDITS,
    MAX_MEMBERS,
    MAX_MEMBERS_AT_ONCE,
    MAX_REACTIONS,
    MAX_REACTIONS_IN_ALL,
    AddMember,
    ChangeRole,
    Command,
    Conversation,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    LeaveRoom,
    Member,
    PinMessage,
    PostMessage,
    ReactToMessage,
    RemoveMember,
    UpdateRoom,
    answers,
    apply,
    decide,
)
from chatterroom.chat.entries import (
    Entry,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
    RoleChanged,
    RoomUpdated,
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
    state = created()
    others = {UserId(f"u{number}"): Member(NOW) for number in range(MAX_MEMBERS - 1)}
    full = replace(state, members={**state.members, **others})
    assert len(full.members) == MAX_MEMBERS
    assert refusal(full, AddMember(ROOM, ALICE, CLIENT, BOB)) is ErrorCode.TOO_MANY_MEMBERS


def test_a_room_begins_with_few_others():
    many = tuple(UserId(f"u{number}") for number in range(MAX_MEMBERS_AT_ONCE + 1))
    command = CreateRoom(ROOM, ALICE, CLIENT, "Tea", many)
    assert refusal(Conversation(ROOM), command) is ErrorCode.TOO_MANY_MEMBERS
    assert len(created(*many[1:], ALICE).members) == MAX_MEMBERS_AT_ONCE + 1


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


def then(state: Conversation, *commands: Command) -> Conversation:
    for command in commands:
        state = apply(state, decide(state, command, NOW))
    return state


def roles(state: Conversation) -> dict[UserId, str]:
    return {user: member.role for user, member in state.members.items()}


def message(sender: UserId = ALICE, **fields) -> MessagePosted:
    return MessagePosted(
        conversation_id=ROOM,
        seq=2,
        message_index=1,
        sender_id=sender,
        client_id=CLIENT,
        created_at=NOW,
        updated_at=NOW,
        message="hi",
        **fields,
    )


def about(target: MessagePosted | None, command: Command, state: Conversation | None = None):
    return decide(state or created(BOB), command, NOW, target)


def refused(target: MessagePosted | None, command: Command, state: Conversation | None = None):
    with pytest.raises(ChatterRoomError) as refused:
        about(target, command, state)
    return refused.value.code


def test_only_the_author_edits_and_only_to_something_else():
    text = "@bob @dave"
    edit = EditMessage(ROOM, ALICE, CLIENT, 2, text, (BOB, DAVE), ("bob", "dave"))
    entry = about(message(), edit)
    assert isinstance(entry, MessageEdited)
    assert (entry.message_seq, entry.message, entry.mentions) == (2, text, (BOB,))
    assert entry.mention_names == ("bob",)
    assert refused(message(BOB), edit) is ErrorCode.NOT_ALLOWED
    assert refused(message(), EditMessage(ROOM, ALICE, CLIENT, 2, "hi")) is ErrorCode.UNCHANGED


def test_authors_and_admins_delete():
    assert isinstance(about(message(BOB), DeleteMessage(ROOM, BOB, CLIENT, 2)), MessageDeleted)
    assert isinstance(about(message(BOB), DeleteMessage(ROOM, ALICE, CLIENT, 2)), MessageDeleted)
    assert refused(message(), DeleteMessage(ROOM, BOB, CLIENT, 2)) is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize("target", [None, message(deleted=True)], ids=["missing", "deleted"])
@pytest.mark.parametrize(
    "command",
    [
        EditMessage(ROOM, ALICE, CLIENT, 2, "x"),
        DeleteMessage(ROOM, ALICE, CLIENT, 2),
        ReactToMessage(ROOM, ALICE, CLIENT, 2, "+1"),
        PinMessage(ROOM, ALICE, CLIENT, 2),
    ],
    ids=["edit", "delete", "react", "pin"],
)
def test_what_is_not_there_cannot_be_changed(target: MessagePosted | None, command: Command):
    assert refused(target, command) is ErrorCode.MESSAGE_NOT_FOUND


def test_a_reaction_is_added_once_and_taken_back_by_its_owner():
    react = ReactToMessage(ROOM, BOB, CLIENT, 2, "+1")
    take_back = ReactToMessage(ROOM, BOB, CLIENT, 2, "+1", remove=True)
    reacted = message(reactions=(Reaction("+1", BOB),))
    assert isinstance(about(message(), react), ReactionAdded)
    assert refused(reacted, react) is ErrorCode.UNCHANGED
    assert isinstance(about(reacted, take_back), ReactionRemoved)
    assert refused(message(reactions=(Reaction("+1", ALICE),)), take_back) is ErrorCode.UNCHANGED


def test_edits_of_a_message_are_bounded_and_it_can_still_be_deleted():
    last = message(edit_seqs=tuple(range(3, 2 + MAX_EDITS)))
    edit = EditMessage(ROOM, ALICE, CLIENT, 2, "once more")
    assert isinstance(about(last, edit), MessageEdited)
    full = message(edit_seqs=tuple(range(3, 3 + MAX_EDITS)))
    assert refused(full, edit) is ErrorCode.INVALID_REQUEST
    assert isinstance(about(full, DeleteMessage(ROOM, ALICE, CLIENT, 2)), MessageDeleted)


def test_the_reactions_of_all_users_to_a_message_are_bounded():
    many = tuple(Reaction("+1", UserId(new_id())) for _ in range(MAX_REACTIONS_IN_ALL))
    react = ReactToMessage(ROOM, BOB, CLIENT, 2, "+1")
    assert refused(message(reactions=many), react) is ErrorCode.INVALID_REQUEST
    made = (*many[1:], Reaction("+1", BOB))
    back = ReactToMessage(ROOM, BOB, CLIENT, 2, "+1", remove=True)
    assert isinstance(about(message(reactions=made), back), ReactionRemoved)


def test_different_reactions_are_bounded_but_joining_one_is_not():
    full = message(reactions=tuple(Reaction(f"e{n}", ALICE) for n in range(MAX_REACTIONS)))
    assert refused(full, ReactToMessage(ROOM, BOB, CLIENT, 2, "new")) is ErrorCode.INVALID_REQUEST
    assert about(full, ReactToMessage(ROOM, BOB, CLIENT, 2, "e0"))


def test_a_pin_goes_in_and_out_once():
    pin, unpin = (PinMessage(ROOM, BOB, CLIENT, 2, remove=remove) for remove in (False, True))
    assert about(message(), pin)
    assert refused(message(pinned=True), pin) is ErrorCode.UNCHANGED
    assert about(message(pinned=True), unpin)
    assert refused(message(), unpin) is ErrorCode.UNCHANGED


def test_mentions_are_members():
    post = PostMessage(
        ROOM, ALICE, CLIENT, "@bob @dave", mentions=(BOB, DAVE), mention_names=("bob", "dave")
    )
    entry = decide(created(BOB), post, NOW)
    assert isinstance(entry, MessagePosted)
    assert (entry.mentions, entry.mention_names) == ((BOB,), ("bob",))


@pytest.mark.parametrize(
    ("text", "found", "kept"),
    [
        ("@bob!", {"bob": CAROL}, {"bob": BOB}),  # renamed, and the name taken by CAROL
        ("@bob!", {}, {"bob": BOB}),  # renamed
        ("@bob @robert", {"bob": CAROL, "robert": BOB}, {"bob": BOB, "robert": BOB}),
        ("@carol", {"carol": CAROL}, {"carol": CAROL}),
        ("nobody", {}, {}),
        ("`@bob`", {}, {}),
    ],
    ids=range(6),
)
def test_a_name_stays_with_the_user_whom_it_mentioned(text, found, kept):
    target = message(mentions=(BOB,), mention_names=("bob",))
    edit = EditMessage(ROOM, ALICE, CLIENT, 2, text, tuple(found.values()), tuple(found))
    entry = about(target, edit, created(BOB, CAROL))
    assert isinstance(entry, MessageEdited)
    assert dict(zip(entry.mention_names, entry.mentions, strict=True)) == kept


def test_an_edit_keeps_the_mention_of_somebody_who_has_left():
    target = message(mentions=(BOB,), mention_names=("bob",))
    edit = EditMessage(ROOM, ALICE, CLIENT, 2, "hello @bob", (BOB,), ("bob",))
    entry = about(target, edit, created(CAROL))
    assert isinstance(entry, MessageEdited)
    assert entry.mentions == (BOB,)


def test_admins_change_a_room_and_members_do_not():
    rename = UpdateRoom(ROOM, ALICE, CLIENT, "Coffee", {"posting": "admins"})
    entry = decide(created(BOB), rename, NOW)
    assert isinstance(entry, RoomUpdated)
    after = apply(created(BOB), entry)
    assert (after.room_name, after.settings.posting, after.settings.adding) == (
        "Coffee",
        "admins",
        "members",
    )
    assert refusal(after, PostMessage(ROOM, BOB, CLIENT, "hi")) is ErrorCode.NOT_ALLOWED
    assert refusal(after, rename) is ErrorCode.UNCHANGED
    by_bob = UpdateRoom(ROOM, BOB, CLIENT, "Mine")
    assert refusal(created(BOB), by_bob) is ErrorCode.NOT_ALLOWED
    for wrong in ({"posting": "nobody"}, {"wallpaper": "blue"}):
        change = UpdateRoom(ROOM, ALICE, CLIENT, settings=wrong)
        assert refusal(created(BOB), change) is ErrorCode.INVALID_REQUEST


def test_who_may_add_is_a_setting():
    closed = then(created(BOB), UpdateRoom(ROOM, ALICE, CLIENT, settings={"adding": "admins"}))
    assert refusal(closed, AddMember(ROOM, BOB, CLIENT, CAROL)) is ErrorCode.NOT_ALLOWED
    assert decide(closed, AddMember(ROOM, ALICE, CLIENT, CAROL), NOW)


def test_people_are_removed_by_higher_roles_only():
    state = then(created(BOB, CAROL), ChangeRole(ROOM, ALICE, CLIENT, BOB, "admin"))
    assert isinstance(decide(state, RemoveMember(ROOM, BOB, CLIENT, CAROL), NOW), MemberRemoved)
    assert refusal(state, RemoveMember(ROOM, CAROL, CLIENT, BOB)) is ErrorCode.NOT_ALLOWED
    assert refusal(state, RemoveMember(ROOM, BOB, CLIENT, ALICE)) is ErrorCode.NOT_ALLOWED
    assert refusal(state, RemoveMember(ROOM, BOB, CLIENT, DAVE)) is ErrorCode.NOT_A_MEMBER
    gone = then(state, RemoveMember(ROOM, ALICE, CLIENT, BOB))
    assert refusal(gone, PostMessage(ROOM, BOB, CLIENT, "hi")) is ErrorCode.ROOM_NOT_FOUND


def test_the_owner_gives_roles_and_hands_over():
    state = created(BOB, CAROL)
    promote = ChangeRole(ROOM, BOB, CLIENT, CAROL, "admin")
    assert refusal(state, promote) is ErrorCode.NOT_ALLOWED
    abdicate = ChangeRole(ROOM, ALICE, CLIENT, ALICE, "member")
    assert refusal(state, abdicate) is ErrorCode.NOT_ALLOWED
    hand_over = ChangeRole(ROOM, ALICE, CLIENT, BOB, "owner")
    assert isinstance(decide(state, hand_over, NOW), RoleChanged)
    assert roles(then(state, hand_over)) == {ALICE: "admin", BOB: "owner", CAROL: "member"}


def test_when_the_owner_leaves_an_admin_or_the_oldest_member_takes_over():
    state = created(BOB, CAROL)
    leave = LeaveRoom(ROOM, ALICE, CLIENT)
    assert sorted(roles(then(state, leave)).values()) == ["member", "owner"]
    with_admin = then(state, ChangeRole(ROOM, ALICE, CLIENT, CAROL, "admin"), leave)
    assert roles(with_admin) == {BOB: "member", CAROL: "owner"}
    assert then(created(), leave).members == {}


def test_a_request_is_answered_only_by_an_entry_of_its_kind():
    entry = decide(created(), PostMessage(ROOM, ALICE, CLIENT, "hi"), NOW)
    assert answers(entry, PostMessage(ROOM, ALICE, CLIENT, "another text"))
    assert not answers(entry, AddMember(ROOM, ALICE, CLIENT, BOB))


people = st.sampled_from(PEOPLE)
commands = st.one_of(
    st.builds(PostMessage, st.just(ROOM), people, st.just(CLIENT), st.just("hi")),
    st.builds(AddMember, st.just(ROOM), people, st.just(CLIENT), people),
    st.builds(LeaveRoom, st.just(ROOM), people, st.just(CLIENT)),
    st.builds(RemoveMember, st.just(ROOM), people, st.just(CLIENT), people),
    st.builds(
        ChangeRole,
        st.just(ROOM),
        people,
        st.just(CLIENT),
        people,
        st.sampled_from(["owner", "admin", "member"]),
    ),
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
    if entries and isinstance(entries[-1], MemberLeft | MemberRemoved):
        assert entries[-1].user_id not in state.members
    owners = [user for user, member in state.members.items() if member.role == "owner"]
    assert len(owners) == (1 if state.members else 0), "a room with members has one owner"


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
